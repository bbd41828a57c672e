#!/usr/bin/python3
"""One training step of translation, ours against the published code's arithmetic in PyTorch (fp32, contiguous),
interleaved; and one translation of a 512 x 512 picture by ResNet-9.

Needs Debian's python3-torch. Usage: tools/bench/translate_step.py [ROUNDS]
  pix2pix    unet_256 of 64, batch norm and dropout, 70 x 70 PatchGAN, batch 1, 256 pixels
  CycleGAN   two ResNet-9 of 64 with instance norm, two PatchGANs, batch 1, 128 pixels, pool of 50
Weights are random: they don't matter for speed.
"""
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F

from interleaved import all_threads, interleaved, peak, quiet_training
from rivals import normal, resnet, resnet_state


class Level(nn.Module):
    def __init__(self, outer, inner, below=None, taken=None, outermost=False, dropout=False):
        super().__init__()
        self.outermost = outermost
        down = nn.Conv2d(taken or outer, inner, 4, 2, 1, bias=False)
        up = nn.ConvTranspose2d(inner * (2 if below else 1), outer, 4, 2, 1, bias=outermost)
        if outermost:
            layers = [down, below, nn.ReLU(True), up, nn.Tanh()]
        elif below:
            layers = [nn.LeakyReLU(0.2, True), down, nn.BatchNorm2d(inner), below, nn.ReLU(True), up,
                      nn.BatchNorm2d(outer)] + ([nn.Dropout(0.5)] if dropout else [])
        else:
            layers = [nn.LeakyReLU(0.2, True), down, nn.ReLU(True), up, nn.BatchNorm2d(outer)]
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return self.body(x) if self.outermost else torch.cat([x, self.body(x)], 1)


def unet(n=64, downs=8):
    net = Level(8 * n, 8 * n)
    for _ in range(downs - 5):
        net = Level(8 * n, 8 * n, net, dropout=True)
    for factor in (4, 2, 1):
        net = Level(factor * n, 2 * factor * n, net)
    return normal(Level(3, n, net, outermost=True))


def patch(channels, norm, n=64):
    layers, last = [nn.Conv2d(channels, n, 4, 2, 1), nn.LeakyReLU(0.2, True)], n
    for i in (1, 2, 3):
        wide = n * 2 ** i
        layers += [nn.Conv2d(last, wide, 4, 2 if i < 3 else 1, 1, bias=norm is nn.InstanceNorm2d), norm(wide),
                   nn.LeakyReLU(0.2, True)]
        last = wide
    return normal(nn.Sequential(*layers, nn.Conv2d(last, 1, 4, 1, 1)))


def learn(nets, on):
    for net in nets:
        for parameter in net.parameters():
            parameter.requires_grad = on


class Pix2PixStep:
    def __init__(self):
        self.g, self.d = unet(), patch(6, nn.BatchNorm2d)
        self.adam_g = torch.optim.Adam(self.g.parameters(), 2e-4, (0.5, 0.999))
        self.adam_d = torch.optim.Adam(self.d.parameters(), 2e-4, (0.5, 0.999))
        self.a, self.b = torch.rand(1, 3, 256, 256) * 2 - 1, torch.rand(1, 3, 256, 256) * 2 - 1

    def __call__(self):
        fake = self.g(self.a)
        learn([self.d], True)
        self.adam_d.zero_grad()
        bad = self.d(torch.cat([self.a, fake.detach()], 1))
        good = self.d(torch.cat([self.a, self.b], 1))
        ((F.binary_cross_entropy_with_logits(bad, torch.zeros_like(bad)) +
          F.binary_cross_entropy_with_logits(good, torch.ones_like(good))) * 0.5).backward()
        self.adam_d.step()
        learn([self.d], False)
        self.adam_g.zero_grad()
        seen = self.d(torch.cat([self.a, fake], 1))
        (F.binary_cross_entropy_with_logits(seen, torch.ones_like(seen)) + 100 * F.l1_loss(fake, self.b)).backward()
        self.adam_g.step()


class CycleStep:
    def __init__(self):
        self.forth, self.back = resnet(), resnet()
        self.d_a, self.d_b = patch(3, nn.InstanceNorm2d), patch(3, nn.InstanceNorm2d)
        chain = itertools.chain
        self.adam_g = torch.optim.Adam(chain(self.forth.parameters(), self.back.parameters()), 2e-4, (0.5, 0.999))
        self.adam_d = torch.optim.Adam(chain(self.d_a.parameters(), self.d_b.parameters()), 2e-4, (0.5, 0.999))
        self.a, self.b = torch.rand(1, 3, 128, 128) * 2 - 1, torch.rand(1, 3, 128, 128) * 2 - 1
        self.pools = [], []

    def from_pool(self, pool, fake):
        if len(pool) < 50:
            pool.append(fake.detach().clone())
            return fake.detach()
        if random.random() > 0.5:
            i = random.randrange(50)
            old, pool[i] = pool[i], fake.detach().clone()
            return old
        return fake.detach()

    def __call__(self):
        fake_b, fake_a = self.forth(self.a), self.back(self.b)
        rec_a, rec_b = self.back(fake_b), self.forth(fake_a)
        learn([self.d_a, self.d_b], False)
        self.adam_g.zero_grad()
        same_b, same_a = self.forth(self.b), self.back(self.a)
        loss = 5 * F.l1_loss(same_a, self.a) + 5 * F.l1_loss(same_b, self.b)
        loss = loss + (self.d_b(fake_b) - 1).square().mean() + (self.d_a(fake_a) - 1).square().mean()
        (loss + 10 * F.l1_loss(rec_a, self.a) + 10 * F.l1_loss(rec_b, self.b)).backward()
        self.adam_g.step()
        learn([self.d_a, self.d_b], True)
        self.adam_d.zero_grad()
        for d, pool, real, fake in ((self.d_a, self.pools[0], self.a, fake_a), (self.d_b, self.pools[1], self.b, fake_b)):
            bad = d(self.from_pool(pool, fake))
            (((d(real) - 1).square().mean() + bad.square().mean()) * 0.5).backward()
        self.adam_d.step()


def compare(name, recipe, data, overrides, theirs, rounds, threads):
    arguments = ["train", recipe, data] + quiet_training(1) + overrides
    found = interleaved(arguments, theirs, rounds)
    print(f"{name}, {threads} threads, {rounds} rounds: ganvas {found.mine:.3f} s (peak {found.memory:.0f} MiB)   "
          f"PyTorch {torch.__version__} {found.rival:.3f} s (peak of all so far {peak(os.getpid()):.0f} MiB)   "
          f"median ratio {found.ratio:.2f}", flush=True)


def compare_translation(folder, rounds, threads):
    """ganvas_bench translate measures ours; the same network in eager mode, its defaults."""
    net = resnet().eval()
    path = os.path.join(folder, "net.pth")
    torch.save(resnet_state(net), path)
    x = torch.rand(1, 3, 512, 512) * 2 - 1
    with torch.no_grad():
        found = interleaved(["translate", path, "512"], lambda: net(x), rounds)
    print(f"ResNet-9, 512x512, {threads} threads, {rounds} rounds: ganvas {found.mine:.3f} s   "
          f"PyTorch {found.rival:.3f} s   median ratio {found.ratio:.2f}", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    threads = all_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        pairs, sides = os.path.join(folder, "pairs"), os.path.join(folder, "sides")
        subprocess.run(["build/ganvas", "-q", "data", "gray", "data/samples", "-o", pairs, "--pair"], check=True,
                       stdout=subprocess.DEVNULL)
        for side in "AB":
            shutil.copytree("data/samples", os.path.join(sides, side))
        compare_translation(folder, rounds, threads)
        compare("pix2pix, unet_256, 256 px, batch 1", "models/recipes/pix2pix.toml", pairs, [], Pix2PixStep(), rounds,
                threads)
        compare("CycleGAN, resnet_9, 128 px, batch 1", "models/recipes/cyclegan.toml", sides,
                ["data.load=143", "data.crop=128"], CycleStep(), rounds, threads)


if __name__ == "__main__":
    main()
