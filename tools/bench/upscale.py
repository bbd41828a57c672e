#!/usr/bin/python3
"""Our upscaler against the same network in PyTorch (eager, its defaults), interleaved in one run.

Needs Debian's python3-torch. Usage: tools/bench/upscale.py [MODEL.safetensors] [SIZE] [ROUNDS]
The model must be a compact network (plain 3x3 convolutions); weights don't matter for speed.
"""
import os
import statistics
import subprocess
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Compact(nn.Module):
    """SRVGGNetCompact 64x16 x4 as published."""

    def __init__(self, channels=64, convs=16, scale=4):
        super().__init__()
        layers = [nn.Conv2d(3, channels, 3, 1, 1), nn.PReLU(channels)]
        for _ in range(convs):
            layers += [nn.Conv2d(channels, channels, 3, 1, 1), nn.PReLU(channels)]
        layers.append(nn.Conv2d(channels, 3 * scale * scale, 3, 1, 1))
        self.body = nn.Sequential(*layers)
        self.scale = scale

    def forward(self, x):
        base = F.interpolate(x, scale_factor=self.scale, mode="nearest")
        return F.pixel_shuffle(self.body(x), self.scale) + base


def main():
    model = sys.argv[1] if len(sys.argv) > 1 else "models/photo-x4/model.safetensors"
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    # Debian's LibTorch falls back to one thread on processors that it doesn't know: its own default is measured too,
    # but the comparison is with all of them.
    default_threads, all_threads = torch.get_num_threads(), len(os.sched_getaffinity(0))
    torch.set_num_threads(all_threads)
    net = Compact().eval()
    picture = torch.rand(1, 3, size, size)
    ours = subprocess.Popen(["build/ganvas_bench", "core", model, str(size)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)

    def run_ours():
        ours.stdin.write("\n")
        ours.stdin.flush()
        return float(ours.stdout.readline())

    def run_torch():
        begin = time.perf_counter()
        with torch.no_grad():
            net(picture)
        return time.perf_counter() - begin

    for _ in range(2):  # warm-up
        run_ours(), run_torch()
    pairs = [(run_ours(), run_torch()) for _ in range(rounds)]
    ours.stdin.close()
    if default_threads != all_threads:
        torch.set_num_threads(default_threads)
        default = statistics.median(run_torch() for _ in range(3))
        torch.set_num_threads(all_threads)
        print(f"(PyTorch left to its default of {default_threads} thread(s) takes {default:.3f} s)")
    mine, theirs = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"compact 64x16 x4, {size}x{size}, {torch.get_num_threads()} threads, {rounds} rounds:")
    print(f"  ganvas {mine:.3f} s   PyTorch {torch.__version__} eager {theirs:.3f} s   median ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
