#!/usr/bin/python3
"""A picture in the style of another by the network of any-style, ours against the same in PyTorch (eager, fp32, all
threads), interleaved. The style is encoded once, before. Before, both must give the same picture.

Needs Debian's python3-torch. Usage: tools/bench/stylize.py [ROUNDS [SIZE]]
Weights are random; they don't matter for speed.
"""
import os
import subprocess
import sys
import tempfile

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F

from interleaved import all_threads, cpu_name, interleaved


class Layer(nn.Module):
    def __init__(self, fan_in, out, groups=1):
        super().__init__()
        self.conv_layer = nn.Conv2d(fan_in, out, 3, groups=groups)

    def forward(self, x):
        return self.conv_layer(F.pad(x, (1, 1, 1, 1), "reflect"))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.conv2 = Layer(width, width), Layer(width, width)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(x)))

    def modulated(self, x, weight, bias):
        inner = F.relu(weight * self.conv1(x) + bias * x)
        return x + weight * self.conv2(inner) + bias * inner


class Encoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.enc1 = nn.Sequential(nn.PixelUnshuffle(4), Layer(48, width), nn.ReLU(), Residual(width))
        self.enc2 = nn.Sequential(Residual(width))

    def forward(self, x):
        first = self.enc1(x)
        return first, self.enc2(first)


class Decoder(nn.Module):
    def __init__(self, width, tail):
        super().__init__()
        self.dec1, self.dec2 = Residual(width), Residual(width)
        self.wide, self.shuffled, self.last = Layer(width, 4 * tail), Layer(tail, 12), Layer(3, 3)


class AnyStyle(nn.Module):
    def __init__(self, width=64, tail=32):
        super().__init__()
        self.content_encoder, self.style_encoder = Encoder(width), Encoder(width)
        names = "weight1", "bias1", "weight2", "bias2"
        self.modulator = nn.ModuleDict({name: nn.Sequential(Layer(width, width, width)) for name in names})
        self.decoder = Decoder(width, tail)

    @staticmethod
    def moments(x):
        return x.mean((2, 3), keepdim=True), (x.var((2, 3), keepdim=True) + 1e-5).sqrt()

    def code(self, style):
        features = self.style_encoder(style)
        signal = {name: layer(features[int(name[-1]) - 1]).mean((2, 3), keepdim=True)
                  for name, layer in self.modulator.items()}
        return [self.moments(x) for x in features], signal

    def forward(self, content, code):
        moments, signal = code
        x = self.content_encoder(content)[1]
        for level, layer in (2, self.decoder.dec1), (1, self.decoder.dec2):
            (mean, deviation), (own_mean, own_deviation) = moments[level - 1], self.moments(x)
            x = (x - own_mean) / own_deviation * deviation + mean
            x = layer.modulated(x, signal[f"weight{level}"], signal[f"bias{level}"])
        x = F.relu(F.pixel_shuffle(self.decoder.wide(x), 2))
        return self.decoder.last(F.pixel_shuffle(self.decoder.shuffled(x), 2))


def waves(size, seed):
    """A picture of waves and noise, 1 x 3 x size x size in steps of 1/255."""
    numbers = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:size, 0:size] / size
    planes = [0.5 + 0.3 * numpy.sin(20 * (x * a + y * b)) for a, b in numbers.random((3, 2))]
    picture = numpy.stack(planes) + numbers.normal(0, 0.03, (3, size, size))
    return torch.from_numpy(numpy.round(picture.clip(0, 1) * 255) / 255).float().unsqueeze(0)


def write(path, picture):
    """As PPM."""
    levels = (picture[0].permute(1, 2, 0).numpy() * 255).round().astype(numpy.uint8)
    with open(path, "wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (levels.shape[1], levels.shape[0]) + levels.tobytes())


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    width, height = (int(number) for number in data.split(maxsplit=3)[1:3])
    return numpy.frombuffer(data, numpy.uint8)[-width * height * 3:].reshape(height, width, 3)


def compare(net, model, folder):
    """Ends the run where ganvas's picture is another one."""
    content, style = waves(240, 1), waves(200, 2)
    paths = [os.path.join(folder, name) for name in ("content.ppm", "style.ppm", "out")]
    write(paths[0], content), write(paths[1], style)
    subprocess.run(["build/ganvas", "-q", "stylize", paths[0], "-m", model, "--style", paths[1], "-o", paths[2],
                    "--precision", "fp32", "--format", "ppm"], check=True, stdout=subprocess.DEVNULL)
    made = read(os.path.join(paths[2], "content.ppm")).astype(float)
    wanted = net(content, net.code(style)).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255
    worst = abs(made - wanted).max()
    if worst > 1.5:
        sys.exit(f"the pictures differ by {worst:.1f} levels")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 1024
    threads = all_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = AnyStyle().eval()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        model = os.path.join(folder, "net.pth")
        torch.save(net.state_dict(), model)
        compare(net, model, folder)
        code, content = net.code(waves(512, 2)), waves(size, 1)
        found = interleaved(["stylize", model, str(size)], lambda: net(content, code), rounds)
    print(f"{cpu_name()}, any-style, {size}x{size}, {threads} threads, {rounds} rounds: ganvas {found.mine:.3f} s (peak "
          f"{found.memory:.0f} MiB)   PyTorch {torch.__version__} {found.rival:.3f} s   median ratio {found.ratio:.2f}   "
          f"processor time {found.mine_cpu:.3f} and {found.rival_cpu:.3f} s, ratio "
          f"{found.rival_cpu / found.mine_cpu:.2f}")


if __name__ == "__main__":
    main()
