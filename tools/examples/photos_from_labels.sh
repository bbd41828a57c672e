#!/usr/bin/env bash
# From a folder of side-by-side pairs (photo left, label map right, as the facades set has them) to a model, a report and
# translated pictures:
#   tools/examples/photos_from_labels.sh PAIRS LABELS OUT [--set key=value]...
# PAIRS: training pairs. LABELS: label maps to translate. OUT: gets run/ (model.safetensors, report.html) and pictures/.
# Run again after an interruption, it goes on where it was. $GANVAS names another program than build/ganvas.
set -euo pipefail
if [ $# -lt 3 ]; then
  echo "usage: $0 PAIRS LABELS OUT [--set key=value]..." >&2
  exit 2
fi
pairs=$1 labels=$2 out=$3
shift 3
ganvas=${GANVAS:-$(dirname "$0")/../../build/ganvas}

"$ganvas" data check "$pairs" --pairs
resume=()
[ ! -f "$out/run/checkpoints/latest.safetensors" ] || resume=(--resume)
"$ganvas" train pix2pix-mini --data "$pairs" --direction BtoA --out "$out/run" "${resume[@]}" "$@"
"$ganvas" translate "$labels" --model "$out/run" -o "$out/pictures" --format png --skip-existing
echo "$out/run/report.html"
