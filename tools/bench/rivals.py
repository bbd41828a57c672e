"""The published networks in plain PyTorch, as the rival runs them."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Compact(nn.Module):
    """SRVGGNetCompact 64x16 x4."""

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


class Dense(nn.Module):
    def __init__(self, n, grow):
        super().__init__()
        for i in range(4):
            setattr(self, f"conv{i + 1}", nn.Conv2d(n + i * grow, grow, 3, 1, 1))
        self.conv5 = nn.Conv2d(n + 4 * grow, n, 3, 1, 1)

    def forward(self, x):
        seen = [x]
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen.append(F.leaky_relu(conv(torch.cat(seen, 1)), 0.2))
        return x + 0.2 * self.conv5(torch.cat(seen, 1))


class DenseTriple(nn.Module):
    def __init__(self, n, grow):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = Dense(n, grow), Dense(n, grow), Dense(n, grow)

    def forward(self, x):
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDB(nn.Module):
    """RRDBNet 64x23 x4 (ESRGAN, Real-ESRGAN), under Real-ESRGAN's keys."""

    def __init__(self, n=64, blocks=23, grow=32):
        super().__init__()
        self.conv_first = nn.Conv2d(3, n, 3, 1, 1)
        self.body = nn.Sequential(*[DenseTriple(n, grow) for _ in range(blocks)])
        self.conv_body, self.conv_up1, self.conv_up2, self.conv_hr = (nn.Conv2d(n, n, 3, 1, 1) for _ in range(4))
        self.conv_last = nn.Conv2d(n, 3, 3, 1, 1)

    def forward(self, x):
        x = self.conv_first(x)
        x = x + self.conv_body(self.body(x))
        for conv in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))


def normal(net):
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0, 0.02)
    return net


class Residual(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.body = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(n, n, 3), nn.InstanceNorm2d(n), nn.ReLU(True),
                                  nn.ReflectionPad2d(1), nn.Conv2d(n, n, 3), nn.InstanceNorm2d(n))

    def forward(self, x):
        return x + self.body(x)


def resnet(n=64, blocks=9):
    """CycleGAN's generator with instance norm."""
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, n, 7), nn.InstanceNorm2d(n), nn.ReLU(True)]
    for wide in (n, 2 * n):
        layers += [nn.Conv2d(wide, 2 * wide, 3, 2, 1), nn.InstanceNorm2d(2 * wide), nn.ReLU(True)]
    layers += [Residual(4 * n) for _ in range(blocks)]
    for wide in (4 * n, 2 * n):
        layers += [nn.ConvTranspose2d(wide, wide // 2, 3, 2, 1, 1), nn.InstanceNorm2d(wide // 2), nn.ReLU(True)]
    return normal(nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(n, 3, 7), nn.Tanh()))


def resnet_state(net):
    """Its weights under the keys of CycleGAN's own files."""
    return {f"model.{i}.{key.replace('body', 'conv_block') if isinstance(layer, Residual) else key}": value
            for i, layer in enumerate(net) for key, value in layer.state_dict().items()}
