#!/usr/bin/python3
"""Pictures from noise by StyleGAN2, 64 x 64, ours against the published arithmetic in PyTorch (eager, fp32), interleaved.

Needs Debian's python3-torch. Usage: tools/bench/generate.py [ROUNDS [COUNT [THREADS]]]
  mini    stylegan2-mini's generator: widths 128 128 96 64 32, mapping of 4 layers
  wide    widths 256 256 256 256 128, mapping of 8 layers
The rival works as rosinality's code does by default: a kernel a sample in one grouped convolution, general up-and-down
filtering by zeros, padding and a convolution of single channels; batches of 16 (and of 1: the better counts). Ours makes
a picture a thread. Both take all processors, or the first THREADS of them. From latents to 8 bit; no files. Weights are
random: they don't matter for speed. The pictures of both are compared first. Processor time is what the threads of each
side took together: on a busy machine it says more than the clock, where threads that wait for one another lose most.
"""
import math
import os
import subprocess
import sys
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F

from interleaved import all_threads, cpu_name, interleaved


def upfirdn(x, kernel, up=1, pad=(0, 0)):
    n, c, h, w = x.shape
    x = F.pad(x.reshape(-1, h, 1, w, 1, 1), [0, 0, 0, up - 1, 0, 0, 0, up - 1]).view(-1, 1, h * up, w * up)
    x = F.pad(x, [pad[0], pad[1], pad[0], pad[1]])
    x = F.conv2d(x, torch.flip(kernel, [0, 1]).view(1, 1, *kernel.shape))
    return x.view(n, c, x.shape[2], x.shape[3])


def fir(gain):
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(line, line) / 64 * gain


class Linear(nn.Module):
    def __init__(self, fan_in, out, rate=1.0, bias=0.0, active=False):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(out, fan_in) / rate), nn.Parameter(torch.full((out,), bias))
        self.scale, self.rate, self.active = rate / math.sqrt(fan_in), rate, active

    def forward(self, x):
        x = F.linear(x, self.weight * self.scale, None if self.active else self.bias * self.rate)
        return F.leaky_relu(x + self.bias * self.rate, 0.2) * 2 ** 0.5 if self.active else x


class Modulated(nn.Module):
    def __init__(self, fan_in, out, kernel, style, up=False, demodulate=True):
        super().__init__()
        self.scale, self.up, self.demodulate = 1 / math.sqrt(fan_in * kernel ** 2), up, demodulate
        self.weight = nn.Parameter(torch.randn(1, out, fan_in, kernel, kernel))
        self.modulation = Linear(style, fan_in, bias=1.0)
        self.fir = fir(4)

    def forward(self, x, w):
        n, c, h, wide = x.shape
        _, out, _, k, _ = self.weight.shape
        weight = self.scale * self.weight * self.modulation(w).view(n, 1, c, 1, 1)
        if self.demodulate:
            weight = weight * torch.rsqrt(weight.pow(2).sum([2, 3, 4]) + 1e-8).view(n, out, 1, 1, 1)
        x = x.reshape(1, n * c, h, wide)
        if not self.up:
            y = F.conv2d(x, weight.view(n * out, c, k, k), padding=k // 2, groups=n)
            return y.view(n, out, h, wide)
        weight = weight.transpose(1, 2).reshape(n * c, out, k, k)
        y = F.conv_transpose2d(x, weight, stride=2, groups=n)
        return upfirdn(y.view(n, out, y.shape[2], y.shape[3]), self.fir, pad=(1, 1))


class Styled(nn.Module):
    def __init__(self, fan_in, out, style, up=False):
        super().__init__()
        self.conv = Modulated(fan_in, out, 3, style, up)
        self.noise, self.activate = nn.Module(), nn.Module()
        self.noise.weight, self.activate.bias = nn.Parameter(torch.full((1,), 0.1)), nn.Parameter(torch.randn(out) * 0.1)

    def forward(self, x, w, noise):
        x = self.conv(x, w) + self.noise.weight * noise
        return F.leaky_relu(x + self.activate.bias.view(1, -1, 1, 1), 0.2) * 2 ** 0.5


class Rgb(nn.Module):
    def __init__(self, fan_in, style):
        super().__init__()
        self.conv, self.bias = Modulated(fan_in, 3, 1, style, demodulate=False), nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.fir = fir(4)

    def forward(self, x, w, skip=None):
        x = self.conv(x, w) + self.bias
        return x if skip is None else x + upfirdn(skip, self.fir, up=2, pad=(2, 1))


class StyleGan2(nn.Module):
    def __init__(self, widths, noise, layers):
        super().__init__()
        self.style = nn.Sequential(nn.Identity(), *[Linear(noise, noise, 0.01, active=True) for _ in range(layers)])
        self.input = nn.Module()
        self.input.input = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.conv1, self.to_rgb1 = Styled(widths[0], widths[0], noise), Rgb(widths[0], noise)
        self.convs, self.to_rgbs, self.noises = nn.ModuleList(), nn.ModuleList(), nn.Module()
        self.noises.register_buffer("noise_0", torch.randn(1, 1, 4, 4))
        for i, (narrow, wide) in enumerate(zip(widths[1:], widths)):
            self.convs.extend([Styled(wide, narrow, noise, True), Styled(narrow, narrow, noise)])
            self.to_rgbs.append(Rgb(narrow, noise))
            for k in (1, 2):
                self.noises.register_buffer(f"noise_{2 * i + k}", torch.randn(1, 1, 8 << i, 8 << i))

    def forward(self, z):
        w = self.style(z * torch.rsqrt(z.pow(2).mean(1, keepdim=True) + 1e-8))
        noise = [getattr(self.noises, f"noise_{i}") for i in range(1 + len(self.convs))]
        x = self.conv1(self.input.input.repeat(len(z), 1, 1, 1), w, noise[0])
        picture = self.to_rgb1(x, w)
        for i, rgb in enumerate(self.to_rgbs):
            x = self.convs[2 * i](x, w, noise[2 * i + 1])
            x = self.convs[2 * i + 1](x, w, noise[2 * i + 2])
            picture = rgb(x, w, picture)
        return picture


def bytes_of(picture):
    return ((picture.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def largest_difference(net, noise, path):
    """Of our pictures of numpy's seeds and theirs, in levels of 8 bit."""
    import numpy
    arguments = ["build/ganvas", "-q", "generate", path, "-o", "-", "--format", "raw", "--seeds", "0-3", "--numpy-seeds"]
    mine = numpy.frombuffer(subprocess.run(arguments, check=True, capture_output=True).stdout, numpy.uint8)
    z = numpy.concatenate([numpy.random.RandomState(seed).randn(1, noise) for seed in range(4)])
    theirs = bytes_of(net(torch.from_numpy(z).float())).numpy()
    return int(numpy.abs(mine.reshape(theirs.shape).astype(int) - theirs).max())


def compare(name, widths, noise, layers, rounds, count, threads):
    net = StyleGan2(widths, noise, layers).eval()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = os.path.join(folder, "net.pth")
        torch.save({"g_ema": net.state_dict()}, path)
        difference = largest_difference(net, noise, path)
        z = torch.randn(count, noise)
        for batch in (16, 1):
            found = interleaved(["generate", path, str(count)],
                                lambda: [bytes_of(net(part)) for part in z.split(batch)], rounds)
            print(f"{name}, {count} pictures, {threads} threads, {rounds} rounds: ganvas {1e3 * found.mine / count:.2f} ms "
                  f"a picture (peak {found.memory:.0f} MiB)   PyTorch {torch.__version__}, batches of {batch}, "
                  f"{1e3 * found.rival / count:.2f} ms   median ratio {found.ratio:.2f}   "
                  f"processor time {1e3 * found.mine_cpu / count:.2f} and {1e3 * found.rival_cpu / count:.2f} ms, "
                  f"ratio {found.rival_cpu / max(found.mine_cpu, 1e-9):.2f}   "
                  f"largest difference {difference} levels", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    if len(sys.argv) > 3:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[3])])
    threads = all_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    print(cpu_name(), flush=True)
    compare("StyleGAN2 64 px, mini", [128, 128, 96, 64, 32], 128, 4, rounds, count, threads)
    compare("StyleGAN2 64 px, wide", [256, 256, 256, 256, 128], 256, 8, rounds, count, threads)


if __name__ == "__main__":
    main()
