#!/usr/bin/python3
"""The compiled CPU engine against the same networks in PyTorch (eager) and against oneDNN's bare convolutions, all
interleaved in one run, as a table. Everything runs twice in its turn and the second time counts.

Needs Debian's python3-torch. Usage: tools/bench/engine.py [ROUNDS]
Weights are random where they don't matter for speed; int8 takes the shipped photo-x4, which is calibrated, and with
PReLU a random network that is calibrated here on the sample pictures.
"""
import os
import subprocess
import sys
import tempfile

import torch

from interleaved import all_threads, cpu_name, interleaved
from rivals import RRDB, Compact, resnet, resnet_state


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    threads = all_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    compact, rrdb, translator = Compact().eval(), RRDB().eval(), resnet().eval()
    shipped = "models/photo-x4/model.safetensors"
    print(f"{cpu_name()}, {threads} threads, {rounds} rounds; PyTorch {torch.__version__} eager, fp32\n")
    print("| network | precision | ganvas | PyTorch | median ratio | bare convolutions in oneDNN | share of that peak |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        rrdb_file, translator_file = os.path.join(folder, "rrdb.pth"), os.path.join(folder, "resnet.pth")
        torch.save(rrdb.state_dict(), rrdb_file)
        torch.save(resnet_state(translator), translator_file)
        prelu, prelu_file = Compact().eval(), os.path.join(folder, "prelu.pth")
        for key, value in prelu.named_parameters():
            if value.dim() == 1 and not key.endswith("bias"):
                value.uniform_(0.05, 0.4)
        torch.save(prelu.state_dict(), prelu_file)
        calibrated = os.path.join(folder, "prelu.safetensors")
        subprocess.run(["build/ganvas", "model", "quantize", prelu_file, "--data", "data/samples", "--side", "32", "-o",
                        calibrated], check=True, capture_output=True)
        for name, net, file, size, precisions in (
                ("compact 64x16 x4", compact, shipped, 256, ("bf16", "int8", "fp32")),
                ("the same with PReLU", prelu, calibrated, 256, ("bf16", "int8")),
                ("RRDB 64x23 x4", rrdb, rrdb_file, 128, ("bf16", "fp32")),
                ("ResNet-9 of 64", translator, translator_file, 512, ("bf16", "fp32"))):
            x = torch.rand(1, 3, size, size)
            for precision in precisions:
                found = interleaved(["engine", file, str(size), precision], lambda: net(x), rounds, warm=True)
                peak = f"{found.twin:.3f} s | {found.twin / found.mine:.2f}" if found.twin else "|"
                print(f"| {name}, {size}x{size} | {precision} | {found.mine:.3f} s | {found.rival:.3f} s | "
                      f"{found.ratio:.2f} | {peak} |", flush=True)


if __name__ == "__main__":
    main()
