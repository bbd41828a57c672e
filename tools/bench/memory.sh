#!/usr/bin/env bash
# Peak memory of a 24-megapixel picture through an x2 network, and the time to load a 16.7M-parameter RRDB .pth.
# Needs Debian's packages time and python3-torch (which only writes the RRDB file). Usage: tools/bench/memory.sh [MODEL]
set -euo pipefail
cd "$(dirname "$0")/../.."
model=${1:-photo-x2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build/ganvas upscale data/samples/coffee.jpg -o "$work/large.jpg" --model photo-x2 --width 6000 --height 4000 --quiet
/usr/bin/time -f "24 megapixels x2: %e s, peak memory %M KiB" \
  build/ganvas upscale "$work/large.jpg" -o "$work/out.png" --model "$model" --quiet

/usr/bin/python3 - "$work/rrdb.pth" <<'PYTHON'
import collections, sys, torch
weights = collections.OrderedDict()
def conv(name, inputs, outputs):
    weights[name + ".weight"] = torch.randn(outputs, inputs, 3, 3) * 0.02
    weights[name + ".bias"] = torch.zeros(outputs)
conv("conv_first", 3, 64)
for block in range(23):
    for dense in (1, 2, 3):
        for k in range(1, 6):
            conv(f"body.{block}.rdb{dense}.conv{k}", 64 + 32 * (k - 1), 32 if k < 5 else 64)
for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
    conv(name, 64, 64)
conv("conv_last", 64, 3)
torch.save({"params_ema": weights}, sys.argv[1])
PYTHON
/usr/bin/time -f "start, load and describe a 16.7M-parameter RRDB .pth: %e s" build/ganvas model info "$work/rrdb.pth" >/dev/null
/usr/bin/time -f "start alone (model info of the small model): %e s" build/ganvas model info "$model" >/dev/null
