#!/usr/bin/python3
"""One training step of ours against the published code's arithmetic in PyTorch (fp32, contiguous), interleaved.

Needs Debian's python3-torch. Usage: tools/bench/train_step.py [ROUNDS]
  SRResNet   64 channels, 16 blocks, x4, batch 4, 24 pixels, L1, Adam, moving average
  SRGAN      the same generator with a VGG-style discriminator and VGG-19 features (conv5_4), batch 4, 32 pixels
Weights are random: they don't matter for speed.
"""
import os
import sys
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F

from interleaved import all_threads, interleaved, quiet_training


class Block(nn.Module):
    def __init__(self, n=64):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(n, n, 3, 1, 1), nn.BatchNorm2d(n), nn.PReLU(), nn.Conv2d(n, n, 3, 1, 1),
                                  nn.BatchNorm2d(n))

    def forward(self, x):
        return x + self.body(x)


class SRResNet(nn.Module):
    def __init__(self, n=64, blocks=16):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, n, 9, 1, 4), nn.PReLU())
        self.body = nn.Sequential(*[Block(n) for _ in range(blocks)], nn.Conv2d(n, n, 3, 1, 1), nn.BatchNorm2d(n))
        up = [nn.Conv2d(n, 4 * n, 3, 1, 1), nn.PixelShuffle(2), nn.PReLU()]
        self.tail = nn.Sequential(*up, nn.Conv2d(n, 4 * n, 3, 1, 1), nn.PixelShuffle(2), nn.PReLU(),
                                  nn.Conv2d(n, 3, 9, 1, 4))

    def forward(self, x):
        x = self.first(x)
        return self.tail(x + self.body(x))


class Discriminator(nn.Module):
    """VGG-style of 128 x 128."""

    def __init__(self, n=64):
        super().__init__()
        layers, last = [nn.Conv2d(3, n, 3, 1, 1), nn.LeakyReLU(0.2, True)], n
        for i in range(5):
            wide = n * min(2 ** i, 8)
            if i:
                layers += [nn.Conv2d(last, wide, 3, 1, 1, bias=False), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2, True)]
            layers += [nn.Conv2d(wide, wide, 4, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2, True)]
            last = wide
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(last * 16, 100), nn.LeakyReLU(0.2, True), nn.Linear(100, 1))

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def vgg19():
    layers, last = [], 3
    for wide in [64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512]:
        if wide == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(last, wide, 3, 1, 1), nn.ReLU(True)]
            last = wide
    net = nn.Module()
    net.features = nn.Sequential(*layers)
    return net


class Average:
    """BasicSR's exponential moving average."""

    def __init__(self, net):
        self.net, self.kept = net, [p.detach().clone() for p in net.parameters()]

    def update(self):
        for kept, p in zip(self.kept, self.net.parameters()):
            kept.mul_(0.999).add_(p.data, alpha=0.001)


class FidelityStep:
    def __init__(self, crop=24):
        self.net = SRResNet()
        self.adam = torch.optim.Adam(self.net.parameters(), 2e-4, (0.9, 0.99))
        self.average = Average(self.net)
        self.lr, self.hr = torch.rand(4, 3, crop, crop), torch.rand(4, 3, 4 * crop, 4 * crop)

    def __call__(self):
        self.adam.zero_grad()
        F.l1_loss(self.net(self.lr), self.hr).backward()
        self.adam.step()
        self.average.update()


class AdversarialStep(FidelityStep):
    def __init__(self, vgg):
        super().__init__(32)
        self.d, self.vgg = Discriminator(), vgg.features[:-1].eval()
        for p in self.vgg.parameters():
            p.requires_grad = False
        self.adam_d = torch.optim.Adam(self.d.parameters(), 1e-4, (0.9, 0.99))
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        self.std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

    def features(self, x):
        return self.vgg((x - self.mean) / self.std)

    def __call__(self):
        for p in self.d.parameters():
            p.requires_grad = False
        self.adam.zero_grad()
        sr = self.net(self.lr)
        loss = 1e-2 * F.l1_loss(sr, self.hr) + F.l1_loss(self.features(sr), self.features(self.hr.detach()))
        (loss + 5e-3 * F.softplus(-self.d(sr)).mean()).backward()
        self.adam.step()
        for p in self.d.parameters():
            p.requires_grad = True
        self.adam_d.zero_grad()
        F.softplus(-self.d(self.hr)).mean().backward()
        F.softplus(self.d(sr.detach())).mean().backward()
        self.adam_d.step()
        self.average.update()


def compare(name, recipe, overrides, theirs, rounds, threads):
    arguments = ["train", recipe, "data/samples"] + quiet_training(4) + overrides
    found = interleaved(arguments, theirs, rounds)
    print(f"{name}, {threads} threads, {rounds} rounds: ganvas {found.mine:.3f} s   "
          f"PyTorch {torch.__version__} {found.rival:.3f} s   median ratio {found.ratio:.2f}", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    threads = all_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    compare("SRResNet 64x16 x4, batch 4, 24 px", "models/recipes/srresnet.toml", ["data.crop=24"], FidelityStep(),
            rounds, threads)
    with tempfile.TemporaryDirectory() as folder:
        vgg = vgg19()
        path = os.path.join(folder, "vgg19.pth")
        torch.save(vgg.state_dict(), path)
        compare("SRGAN step with VGG-19 features, batch 4, 32 px", "models/recipes/srgan.toml",
                ["perceptual.network=" + path], AdversarialStep(vgg), rounds, threads)


if __name__ == "__main__":
    main()
