#!/usr/bin/python3
"""The compiled CPU engine against the same networks in PyTorch (eager) and against oneDNN's bare convolutions, all
interleaved in one run, as a table. Everything runs twice in its turn and the second time counts.

Needs Debian's python3-torch. Usage: tools/bench/engine.py [ROUNDS]
                                     tools/bench/engine.py [ROUNDS] --isa CAP[,CAP...]
--isa: no PyTorch, but the layouts against each other, as CPUs that can less would have them (GANVAS_MAX_ISA): what the
engine chooses, blocks, and all channels of a pixel together, in turn.
Weights are random where they don't matter for speed; int8 takes the shipped photo-x4, which is calibrated, and with
PReLU a random network that is calibrated here on the sample pictures.
"""
import argparse
import os
import statistics
import subprocess
import tempfile

import torch

from interleaved import Bench, all_threads, cpu_name, in_turn, interleaved
from rivals import RRDB, Compact, resnet, resnet_state

# The weakest cap under which the engine has a precision.
NEEDS = {"fp32": "none", "int8": "none", "bf16": "avx512_bf16"}
CAPS = ["none", "avx2", "avx512", "avx512_vnni", "avx512_bf16", "all"]


def networks(folder):
    """Names, PyTorch's network, our file, side and precisions."""
    torch.manual_seed(1)
    compact, rrdb, translator, prelu = Compact().eval(), RRDB().eval(), resnet().eval(), Compact().eval()
    rrdb_file, translator_file = os.path.join(folder, "rrdb.pth"), os.path.join(folder, "resnet.pth")
    torch.save(rrdb.state_dict(), rrdb_file)
    torch.save(resnet_state(translator), translator_file)
    for key, value in prelu.named_parameters():
        if value.dim() == 1 and not key.endswith("bias"):
            value.uniform_(0.05, 0.4)
    prelu_file, calibrated = os.path.join(folder, "prelu.pth"), os.path.join(folder, "prelu.safetensors")
    torch.save(prelu.state_dict(), prelu_file)
    subprocess.run(["build/ganvas", "model", "quantize", prelu_file, "--data", "data/samples", "--side", "32", "-o",
                    calibrated], check=True, capture_output=True)
    return [("compact 64x16 x4", compact, "models/photo-x4/model.safetensors", 256, ("bf16", "int8", "fp32")),
            ("the same with PReLU", prelu, calibrated, 256, ("bf16", "int8")),
            ("RRDB 64x23 x4", rrdb, rrdb_file, 128, ("bf16", "fp32")),
            ("ResNet-9 of 64", translator, translator_file, 512, ("bf16", "fp32"))]


def against_pytorch(cases, rounds):
    print("| network | precision | ganvas | PyTorch | median ratio | bare convolutions in oneDNN | share of that peak "
          "| chosen |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name, net, file, size, precisions in cases:
        x = torch.rand(1, 3, size, size)
        for precision in precisions:
            found = interleaved(["engine", file, str(size), precision], lambda: net(x), rounds, warm=True)
            peak = f"{found.twin:.3f} s | {found.twin / found.mine:.2f}" if found.twin else "|"
            print(f"| {name}, {size}x{size} | {precision} | {found.mine:.3f} s | {found.rival:.3f} s | "
                  f"{found.ratio:.2f} | {peak} | {found.chosen} |", flush=True)


def against_each_other(cases, rounds, caps):
    print("| instructions | network | precision | chosen | blocks | together | chosen by the better | how |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as cache:
        for cap in caps:
            environment = {"GANVAS_MAX_ISA": cap, "XDG_CACHE_HOME": cache}
            for name, _, file, size, precisions in cases:
                for precision in precisions:
                    if CAPS.index(cap) < CAPS.index(NEEDS[precision]):
                        continue
                    benches = [Bench(["engine", file, str(size), precision, layout], environment)
                               for layout in ("automatic", "blocks", "together")]
                    seconds = in_turn(benches, rounds)
                    how = benches[0].ask("layouts")
                    for bench in benches:
                        bench.end()
                    chosen, blocks, together = (statistics.median(some) for some in seconds)
                    worse = statistics.median(one / min(two, three) for one, two, three in zip(*seconds))
                    print(f"| {cap} | {name}, {size}x{size} | {precision} | {chosen:.3f} s | {blocks:.3f} s | "
                          f"{together:.3f} s | {worse:.2f} | {how} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=9)
    parser.add_argument("--isa", default="", help="caps, with commas between: " + ", ".join(CAPS))
    parser.add_argument("--only", default="", help="networks whose name has this in it")
    options = parser.parse_args()
    caps = [cap for cap in options.isa.split(",") if cap]
    if any(cap not in CAPS for cap in caps):
        parser.error("--isa: expected some of " + ", ".join(CAPS))
    threads = all_threads()
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        cases = [case for case in networks(folder) if options.only in case[0]]
        if caps:
            print(f"{cpu_name()}, {threads} threads, {options.rounds} rounds\n")
            against_each_other(cases, options.rounds, caps)
        else:
            print(f"{cpu_name()}, {threads} threads, {options.rounds} rounds; PyTorch {torch.__version__} eager, fp32\n")
            against_pytorch(cases, options.rounds)


if __name__ == "__main__":
    main()
