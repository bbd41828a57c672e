"""Networks for restoration in plain PyTorch, as published code runs them, under the keys of published files."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def mean_colour():
    return torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)


class Fused(nn.Module):
    """A convolution of SPAN as it runs: its parts in one."""

    def __init__(self, n, out):
        super().__init__()
        self.eval_conv = nn.Conv2d(n, out, 3, 1, 1)

    def forward(self, x):
        return self.eval_conv(x)


class SpanBlock(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.c1_r, self.c2_r, self.c3_r = Fused(n, n), Fused(n, n), Fused(n, n)

    def forward(self, x):
        first = F.silu(self.c1_r(x))
        third = self.c3_r(F.silu(self.c2_r(first)))
        return (third + x) * (torch.sigmoid(third) - 0.5), first


class Span(nn.Module):
    """SPAN of 48 features x4 (Wan et al. 2024)."""

    def __init__(self, n=48, scale=4):
        super().__init__()
        self.conv_1 = Fused(3, n)
        for i in range(1, 7):
            setattr(self, f"block_{i}", SpanBlock(n))
        self.conv_cat = nn.Conv2d(4 * n, n, 1)
        self.conv_2 = Fused(n, n)
        self.upsampler = nn.Sequential(nn.Conv2d(n, 3 * scale * scale, 3, 1, 1), nn.PixelShuffle(scale))

    def forward(self, x):
        start = self.conv_1((x - mean_colour()) * 255)
        y = start
        for i in range(1, 7):
            y, inner = getattr(self, f"block_{i}")(y)
            if i == 1:
                early = y
        return self.upsampler(self.conv_cat(torch.cat([start, self.conv_2(y), early, inner], 1)))


class PlksrBlock(nn.Module):
    def __init__(self, n, kernel, partial):
        super().__init__()
        self.channel_mixer = nn.Sequential(nn.Conv2d(n, 2 * n, 3, 1, 1), nn.Mish(), nn.Conv2d(2 * n, n, 3, 1, 1))
        self.lk = nn.Module()
        self.lk.conv = nn.Conv2d(partial, partial, kernel, 1, kernel // 2)
        self.attn = nn.Module()
        self.attn.f = nn.Sequential(nn.Conv2d(n, n, 3, 1, 1), nn.Sigmoid())
        self.refine = nn.Conv2d(n, n, 1)
        self.norm = nn.GroupNorm(4, n)
        self.partial = partial

    def forward(self, x):
        y = self.channel_mixer(x)
        y[:, :self.partial] = self.lk.conv(y[:, :self.partial])
        y = y * self.attn.f(y)
        return self.norm(self.refine(y)) + x


class RealPlksr(nn.Module):
    """RealPLKSR of 64 features, 28 blocks, kernel 17, x4."""

    def __init__(self, n=64, blocks=28, kernel=17, partial=16, scale=4):
        super().__init__()
        self.feats = nn.Sequential(nn.Conv2d(3, n, 3, 1, 1), *[PlksrBlock(n, kernel, partial) for _ in range(blocks)],
                                   nn.Dropout2d(0), nn.Conv2d(n, 3 * scale * scale, 3, 1, 1))
        self.scale = scale

    def forward(self, x):
        repeated = torch.repeat_interleave(x, self.scale ** 2, dim=1)
        return F.pixel_shuffle(self.feats(x) + repeated, self.scale)


def partition(x, h, w):
    """B H W C -> windows x tokens x C"""
    b, height, width, c = x.shape
    return x.view(b, height // h, h, width // w, w, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, h * w, c)


def unpartition(windows, h, w, height, width):
    c = windows.shape[2]
    x = windows.view(-1, height // h, width // w, h, w, c)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, c)


def shift_mask(height, width, h, w, down, across):
    region = torch.zeros(1, height, width, 1)
    label = 0
    for rows in (slice(0, -h), slice(-h, -down), slice(-down, None)):
        for columns in (slice(0, -w), slice(-w, -across), slice(-across, None)):
            region[:, rows, columns] = label
            label += 1
    of = partition(region, h, w).squeeze(2)
    return torch.zeros(()).masked_fill(torch.tensor(False), 0) + (of.unsqueeze(1) != of.unsqueeze(2)).float() * -100.0


def positions(h, w):
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    y, x = y.flatten(), x.flatten()
    return (y[:, None] - y[None] + h - 1) * (2 * w - 1) + x[:, None] - x[None] + w - 1


def heads_of(x, parts, heads):
    b, n, c = x.shape
    return x.reshape(b, n, parts, heads, c // parts // heads).permute(2, 0, 3, 1, 4)


def attend(q, k, v, bias, mask=None):
    scores = q @ k.transpose(-2, -1) + bias
    if mask is not None:
        b, heads, n, _ = scores.shape
        scores = (scores.view(-1, mask.shape[0], heads, n, n) + mask.unsqueeze(1).unsqueeze(0)).view(-1, heads, n, n)
    out = F.softmax(scores, -1) @ v
    return out.transpose(1, 2).reshape(out.shape[0], out.shape[2], -1)


class Attention(nn.Module):
    def __init__(self, n, window, heads):
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads) * 0.02)
        self.register_buffer("relative_position_index", positions(window, window))
        self.qkv, self.proj = nn.Linear(n, 3 * n), nn.Linear(n, n)
        self.heads, self.scale = heads, (n // heads) ** -0.5

    def forward(self, x, mask):
        n = x.shape[1]
        q, k, v = heads_of(self.qkv(x), 3, self.heads)
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)].view(n, n, -1).permute(2, 0, 1)
        return self.proj(attend(q * self.scale, k, v, bias.contiguous().unsqueeze(0), mask))


class Mlp(nn.Module):
    def __init__(self, n, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(n, hidden), nn.Linear(hidden, n)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    def __init__(self, n, window, heads, shift):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(n), nn.LayerNorm(n)
        self.attn, self.mlp = Attention(n, window, heads), Mlp(n, 2 * n)
        self.window, self.shift = window, shift
        if shift:
            self.register_buffer("attn_mask", shift_mask(64, 64, window, window, shift, shift))

    def forward(self, x, height, width, mask):
        b, n, c = x.shape
        y = self.norm1(x).view(b, height, width, c)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = self.attn(partition(y, self.window, self.window), mask if self.shift else None)
        y = unpartition(y, self.window, self.window, height, width)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y.view(b, n, c)
        return x + self.mlp(self.norm2(x))


class SwinGroup(nn.Module):
    def __init__(self, n, depth, window, heads):
        super().__init__()
        self.residual_group = nn.Module()
        self.residual_group.blocks = nn.ModuleList(
            [SwinBlock(n, window, heads, 0 if i % 2 == 0 else window // 2) for i in range(depth)])
        self.conv = nn.Conv2d(n, n, 3, 1, 1)

    def forward(self, x, height, width, mask):
        y = x
        for block in self.residual_group.blocks:
            y = block(y, height, width, mask)
        b, _, c = y.shape
        return x + self.conv(y.transpose(1, 2).view(b, c, height, width)).flatten(2).transpose(1, 2)


class SwinIr(nn.Module):
    """SwinIR-light x2 (Liang et al. 2021): 60 channels, 4 groups of 6, window 8."""

    def __init__(self, n=60, groups=4, depth=6, window=8, heads=6, scale=2):
        super().__init__()
        self.conv_first = nn.Conv2d(3, n, 3, 1, 1)
        self.patch_embed = nn.Module()
        self.patch_embed.norm = nn.LayerNorm(n)
        self.layers = nn.ModuleList([SwinGroup(n, depth, window, heads) for _ in range(groups)])
        self.norm = nn.LayerNorm(n)
        self.conv_after_body = nn.Conv2d(n, n, 3, 1, 1)
        self.upsample = nn.Sequential(nn.Conv2d(n, 3 * scale * scale, 3, 1, 1), nn.PixelShuffle(scale))
        self.window = window

    def forward(self, x):
        height, width = x.shape[2:]
        x = self.conv_first(x - mean_colour())
        # Published code keeps the masks of its training size and makes them anew for others.
        mask = shift_mask(height, width, self.window, self.window, self.window // 2, self.window // 2)
        y = self.patch_embed.norm(x.flatten(2).transpose(1, 2))
        for group in self.layers:
            y = group(y, height, width, mask)
        y = self.norm(y).transpose(1, 2).view(x.shape)
        return self.upsample(self.conv_after_body(y) + x) + mean_colour()


class ChannelNorm(nn.Module):
    """Layer norm over the channels of pixels, by the arithmetic of published code."""

    def __init__(self, n):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(n)), nn.Parameter(torch.zeros(n))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        y = (x - mean) / (variance + 1e-6).sqrt()
        return self.weight.view(1, -1, 1, 1) * y + self.bias.view(1, -1, 1, 1)


class Residual(nn.Module):
    """x + fn(norm(x))"""

    def __init__(self, norm, fn):
        super().__init__()
        self.norm, self.fn = norm, fn

    def forward(self, x):
        return x + self.fn(self.norm(x))


class Gate(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.gate = nn.Sequential(nn.Identity(), nn.Linear(n, n // 4, bias=False), nn.SiLU(),
                                  nn.Linear(n // 4, n, bias=False), nn.Sigmoid())

    def forward(self, x):
        return x * self.gate(x.mean((2, 3)))[:, :, None, None]


class LocalConv(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.fn = nn.Sequential(nn.Conv2d(n, n, 1), nn.GELU(), nn.Conv2d(n, n, 3, 1, 1, groups=n), nn.GELU(), Gate(n),
                                nn.Conv2d(n, n, 1))

    def forward(self, x):
        return x + self.fn(x)


class OmniPixels(nn.Module):
    """Of windows x tokens x C"""

    def __init__(self, n, window, heads=4):
        super().__init__()
        self.to_qkv = nn.Linear(n, 3 * n, bias=False)
        self.to_out = nn.Sequential(nn.Linear(n, n, bias=False))
        self.rel_pos_bias = nn.Embedding((2 * window - 1) ** 2, heads)
        self.register_buffer("rel_pos_indices", positions(window, window), persistent=False)
        self.heads, self.scale = heads, (n // heads) ** -0.5

    def forward(self, x):
        q, k, v = heads_of(self.to_qkv(x), 3, self.heads)
        return self.to_out(attend(q * self.scale, k, v, self.rel_pos_bias(self.rel_pos_indices).permute(2, 0, 1)))


class OmniChannels(nn.Module):
    def __init__(self, n, window, grid, heads=4):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(n, 3 * n, 1, bias=False)
        self.qkv_dwconv = nn.Conv2d(3 * n, 3 * n, 3, 1, 1, groups=3 * n, bias=False)
        self.project_out = nn.Conv2d(n, n, 1, bias=False)
        self.window, self.grid, self.heads = window, grid, heads

    def forward(self, x):
        b, c, height, width = x.shape
        w, heads = self.window, self.heads
        y = self.qkv_dwconv(self.qkv(x)).view(b, 3, heads, c // heads, height // w, w, width // w, w)
        order = (1, 0, 5, 7, 2, 3, 4, 6) if self.grid else (1, 0, 4, 6, 2, 3, 5, 7)
        q, k, v = y.permute(order).flatten(6)
        attention = (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.temperature).softmax(-1)
        out = attention @ v
        if self.grid:
            out = out.view(b, w, w, heads, c // heads, height // w, width // w).permute(0, 3, 4, 5, 1, 6, 2)
        else:
            out = out.view(b, height // w, width // w, heads, c // heads, w, w).permute(0, 3, 4, 1, 5, 2, 6)
        return self.project_out(out.reshape(b, c, height, width))


class GatedConv(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.project_in = nn.Conv2d(n, 2 * n, 1, bias=False)
        self.dwconv = nn.Conv2d(2 * n, 2 * n, 3, 1, 1, groups=2 * n, bias=False)
        self.project_out = nn.Conv2d(n, n, 1, bias=False)

    def forward(self, x):
        a, b = self.dwconv(self.project_in(x)).chunk(2, 1)
        return self.project_out(F.gelu(a) * b)


class OmniBlock(nn.Module):
    def __init__(self, n, window):
        super().__init__()
        gated = lambda: Residual(ChannelNorm(n), GatedConv(n))
        pixels = lambda: Residual(nn.LayerNorm(n), OmniPixels(n, window))
        self.layer = nn.ModuleDict({
            "0": LocalConv(n), "2": pixels(), "4": gated(), "5": Residual(ChannelNorm(n), OmniChannels(n, window, False)),
            "6": gated(), "8": pixels(), "10": gated(), "11": Residual(ChannelNorm(n), OmniChannels(n, window, True)),
            "12": gated()})
        self.window = window

    def forward(self, x):
        w, layer = self.window, self.layer
        b, c, height, width = x.shape
        x = layer["0"](x)
        y = x.view(b, c, height // w, w, width // w, w).permute(0, 2, 4, 3, 5, 1).reshape(-1, w * w, c)
        y = layer["2"](y).view(b, height // w, width // w, w, w, c).permute(0, 5, 1, 3, 2, 4)
        x = layer["6"](layer["5"](layer["4"](y.reshape(b, c, height, width))))
        y = x.view(b, c, w, height // w, w, width // w).permute(0, 3, 5, 2, 4, 1).reshape(-1, w * w, c)
        y = layer["8"](y).view(b, height // w, width // w, w, w, c).permute(0, 5, 3, 1, 4, 2)
        return layer["12"](layer["11"](layer["10"](y.reshape(b, c, height, width))))


class Spatial(nn.Module):
    def __init__(self, n):
        super().__init__()
        few = max(n // 4, 16)
        self.conv1, self.conv_f = nn.Conv2d(n, few, 1), nn.Conv2d(few, few, 1)
        self.conv2, self.conv3 = nn.Conv2d(few, few, 3, 2, 0), nn.Conv2d(few, few, 3, 1, 1)
        self.conv4 = nn.Conv2d(few, n, 1)

    def forward(self, x):
        c = self.conv1(x)
        small = self.conv3(F.max_pool2d(self.conv2(c), 7, 3))
        large = F.interpolate(small, x.shape[2:], mode="bilinear", align_corners=False)
        return x * torch.sigmoid(self.conv4(large + self.conv_f(c)))


class OmniGroup(nn.Module):
    def __init__(self, n, window, blocks):
        super().__init__()
        self.residual_layer = nn.Sequential(*[OmniBlock(n, window) for _ in range(blocks)], nn.Conv2d(n, n, 1))
        self.esa = Spatial(n)

    def forward(self, x):
        return self.esa(self.residual_layer(x) + x)


class OmniSr(nn.Module):
    """OmniSR x2 (Wang et al. 2023): 64 channels, 5 groups of 1, window 8."""

    def __init__(self, n=64, groups=5, blocks=1, window=8, scale=2):
        super().__init__()
        self.input, self.output = nn.Conv2d(3, n, 3, 1, 1), nn.Conv2d(n, n, 3, 1, 1)
        self.residual_layer = nn.Sequential(*[OmniGroup(n, window, blocks) for _ in range(groups)])
        self.up = nn.Sequential(nn.Conv2d(n, 3 * scale * scale, 3, 1, 1), nn.PixelShuffle(scale))

    def forward(self, x):
        x = self.input(x)
        return self.up(self.output(self.residual_layer(x)) + x)


class PositionBias(nn.Module):
    def __init__(self, n, heads):
        super().__init__()
        self.pos_proj = nn.Linear(2, n)
        step = lambda out: nn.Sequential(nn.LayerNorm(n), nn.ReLU(), nn.Linear(n, out))
        self.pos1, self.pos2, self.pos3 = step(n), step(n), step(heads)

    def forward(self, x):
        return self.pos3(self.pos2(self.pos1(self.pos_proj(x))))


class SplitHalf(nn.Module):
    def __init__(self, n, heads, h, w):
        super().__init__()
        self.pos = PositionBias(n // 16, heads)
        y, x = torch.meshgrid(torch.arange(1 - h, h), torch.arange(1 - w, w), indexing="ij")
        self.register_buffer("rpe_biases", torch.stack([y.flatten(), x.flatten()], 1).float())
        self.register_buffer("relative_position_index", positions(h, w))
        self.h, self.w, self.heads, self.scale = h, w, heads, (n // heads) ** -0.5

    def forward(self, qkv, height, width, mask):
        """3 B H W C -> B H W C"""
        q, k, v = (heads_of(partition(part, self.h, self.w), 1, self.heads)[0] for part in qkv)
        n = self.h * self.w
        bias = self.pos(self.rpe_biases)[self.relative_position_index.view(-1)].view(n, n, -1).permute(2, 0, 1)
        return unpartition(attend(q * self.scale, k, v, bias.contiguous().unsqueeze(0), mask), self.h, self.w, height,
                           width)


class DatAttention(nn.Module):
    """Either kind, with what is beside it."""

    def __init__(self, n, heads, window, channels, shifted):
        super().__init__()
        self.qkv, self.proj = nn.Linear(n, 3 * n), nn.Linear(n, n)
        if channels:
            self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        else:
            h, w = window
            self.attns = nn.ModuleList([SplitHalf(n // 2, heads // 2, h, w), SplitHalf(n // 2, heads // 2, w, h)])
        self.dwconv = nn.Sequential(nn.Conv2d(n, n, 3, 1, 1, groups=n), nn.BatchNorm2d(n), nn.GELU())
        self.channel_interaction = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(n, n // 8, 1),
                                                 nn.BatchNorm2d(n // 8), nn.GELU(), nn.Conv2d(n // 8, n, 1))
        self.spatial_interaction = nn.Sequential(nn.Conv2d(n, n // 16, 1), nn.BatchNorm2d(n // 16), nn.GELU(),
                                                 nn.Conv2d(n // 16, 1, 1))
        self.heads, self.window, self.channels, self.shifted = heads, window, channels, shifted

    def in_windows(self, qkv, height, width, masks):
        half = qkv.shape[-1] // 2
        out = []
        for i, attention in enumerate(self.attns):
            part = qkv[..., i * half:(i + 1) * half]
            shift = (attention.h // 2, attention.w // 2)
            if self.shifted:
                part = torch.roll(part, (-shift[0], -shift[1]), (2, 3))
            y = attention(part, height, width, masks[i] if self.shifted else None)
            out.append(torch.roll(y, shift, (1, 2)) if self.shifted else y)
        return torch.cat(out, -1).view(qkv.shape[1], height * width, -1)

    def between_channels(self, qkv):
        q, k, v = (x.transpose(-2, -1) for x in heads_of(qkv, 3, self.heads))
        attention = (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.temperature).softmax(-1)
        return (attention @ v).permute(0, 3, 1, 2).reshape(qkv.shape[0], qkv.shape[1], -1)

    def forward(self, x, height, width, masks):
        b, n, c = x.shape
        qkv = self.qkv(x)
        picture = lambda tokens: tokens.transpose(-2, -1).contiguous().view(b, c, height, width)
        beside = self.dwconv(picture(qkv[..., 2 * c:]))
        if self.channels:
            attended = self.between_channels(qkv)
            by_channel = self.channel_interaction(picture(attended)).view(b, 1, c)
            by_pixel = self.spatial_interaction(beside)
            attended = attended * torch.sigmoid(by_pixel).view(b, n, 1)
            beside = beside.flatten(2).transpose(1, 2) * torch.sigmoid(by_channel)
        else:
            parts = qkv.view(b, height, width, 3, c).permute(3, 0, 1, 2, 4)
            attended = self.in_windows(parts, height, width, masks)
            by_channel = self.channel_interaction(beside).view(b, 1, c)
            by_pixel = self.spatial_interaction(picture(attended))
            attended = attended * torch.sigmoid(by_channel)
            beside = (beside * torch.sigmoid(by_pixel)).flatten(2).transpose(1, 2)
        return self.proj(attended + beside)


class SpatialGate(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.norm, self.conv = nn.LayerNorm(n), nn.Conv2d(n, n, 3, 1, 1, groups=n)

    def forward(self, x, height, width):
        a, b = x.chunk(2, -1)
        picture = self.norm(b).transpose(1, 2).contiguous().view(x.shape[0], -1, height, width)
        return a * self.conv(picture).flatten(2).transpose(1, 2)


class DatMlp(nn.Module):
    def __init__(self, n, hidden):
        super().__init__()
        self.fc1, self.fc2, self.sg = nn.Linear(n, hidden), nn.Linear(hidden // 2, n), SpatialGate(hidden // 2)

    def forward(self, x, height, width):
        return self.fc2(self.sg(F.gelu(self.fc1(x)), height, width))


class DatBlock(nn.Module):
    def __init__(self, n, heads, window, index):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(n), nn.LayerNorm(n)
        self.attn = DatAttention(n, heads, window, index % 2 == 1, index % 4 == 2)
        self.ffn = DatMlp(n, 2 * n)

    def forward(self, x, height, width, masks):
        x = x + self.attn(self.norm1(x), height, width, masks)
        return x + self.ffn(self.norm2(x), height, width)


class DatGroup(nn.Module):
    def __init__(self, n, depth, heads, window):
        super().__init__()
        self.blocks = nn.ModuleList([DatBlock(n, heads, window, i) for i in range(depth)])
        self.conv = nn.Sequential(nn.Conv2d(n, n // 4, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(n // 4, n // 4, 1),
                                  nn.LeakyReLU(0.2), nn.Conv2d(n // 4, n, 3, 1, 1))

    def forward(self, x, height, width, masks):
        y = x
        for block in self.blocks:
            y = block(y, height, width, masks)
        b, _, c = y.shape
        return x + self.conv(y.transpose(1, 2).reshape(b, c, height, width)).flatten(2).transpose(1, 2)


class Dat(nn.Module):
    """DAT-light x2 (Chen et al. 2023): 60 channels, one group of 18, windows of 8 x 32. For sides that are multiples of
    32."""

    def __init__(self, n=60, depth=18, heads=6, window=(8, 32), scale=2):
        super().__init__()
        self.conv_first = nn.Conv2d(3, n, 3, 1, 1)
        self.before_RG = nn.Sequential(nn.Identity(), nn.LayerNorm(n))
        self.layers = nn.ModuleList([DatGroup(n, depth, heads, window)])
        self.norm = nn.LayerNorm(n)
        self.conv_after_body = nn.Sequential(nn.Conv2d(n, n // 4, 3, 1, 1), nn.LeakyReLU(0.2),
                                             nn.Conv2d(n // 4, n // 4, 1), nn.LeakyReLU(0.2),
                                             nn.Conv2d(n // 4, n, 3, 1, 1))
        self.upsample = nn.Sequential(nn.Conv2d(n, 3 * scale * scale, 3, 1, 1), nn.PixelShuffle(scale))
        self.window = window

    def forward(self, x):
        height, width = x.shape[2:]
        h, w = self.window
        x = self.conv_first(x - mean_colour())
        masks = (shift_mask(height, width, h, w, h // 2, w // 2), shift_mask(height, width, w, h, w // 2, h // 2))
        y = self.before_RG(x.flatten(2).transpose(1, 2))
        for group in self.layers:
            y = group(y, height, width, masks)
        y = self.norm(y).transpose(1, 2).reshape(x.shape)
        return self.upsample(self.conv_after_body(y) + x) + mean_colour()


def restless(net):
    """Every weight and statistic moved, so that whatever is left out shows."""
    for name, value in net.state_dict().items():
        if value.is_floating_point() and "mask" not in name and "rpe" not in name and "index" not in name:
            value.copy_(value + 0.05 * torch.randn_like(value).abs() if "var" in name
                        else value + 0.2 / math.sqrt(max(value.numel() / max(value.shape[0], 1), 16)
                                                     if value.dim() else 16) * torch.randn_like(value))
    return net.eval()
