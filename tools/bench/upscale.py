#!/usr/bin/python3
"""Our upscaler against the same network in PyTorch (eager, its defaults), interleaved in one run.

Needs Debian's python3-torch. Usage: tools/bench/upscale.py [MODEL.safetensors] [SIZE] [ROUNDS]
The model must be a compact network (plain 3x3 convolutions); weights don't matter for speed.
"""
import statistics
import sys
import timeit

import torch

from interleaved import all_threads, interleaved
from rivals import Compact


def main():
    model = sys.argv[1] if len(sys.argv) > 1 else "models/photo-x4/model.safetensors"
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    # Debian's LibTorch falls back to one thread on processors that it doesn't know: its own default is measured too,
    # but the comparison is with all of them.
    default_threads, threads = torch.get_num_threads(), all_threads()
    torch.set_num_threads(threads)
    net = Compact().eval()
    picture = torch.rand(1, 3, size, size)

    def run_torch():
        with torch.no_grad():
            net(picture)

    found = interleaved(["core", model, str(size)], run_torch, rounds)
    if default_threads != threads:
        torch.set_num_threads(default_threads)
        default = statistics.median(timeit.repeat(run_torch, number=1, repeat=3))
        torch.set_num_threads(threads)
        print(f"(PyTorch left to its default of {default_threads} thread(s) takes {default:.3f} s)")
    print(f"compact 64x16 x4, {size}x{size}, {torch.get_num_threads()} threads, {rounds} rounds:")
    print(f"  ganvas {found.mine:.3f} s   PyTorch {torch.__version__} eager {found.rival:.3f} s   "
          f"median ratio {found.ratio:.2f}")


if __name__ == "__main__":
    main()
