#include "train/game/augment_pipeline.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace ganvas {

using std::numbers::pi;
using torch::Tensor;

namespace {

/// Symlet of six vanishing moments (Daubechies 1992, table 6.3), its scaling filter.
constexpr std::array<double, 12> sym6{0.015404109327027373, 0.0034907120842174702, -0.11799011114819057,
                                      -0.048311742585633,   0.4910559419267466,    0.787641141030194,
                                      0.3379294217276218,   -0.07263752278646252,  -0.021060292512300564,
                                      0.04472490177066578,  0.0017677118642428036, -0.007800708325034148};
constexpr std::int64_t taps = sym6.size();
constexpr std::int64_t margin = taps / 4;  ///< pixels that the filters reach beyond the picture

/// One number a picture, on the CPU.
Tensor uniform(std::int64_t count) { return torch::rand({count}); }
Tensor normal(std::int64_t count, double deviation) { return torch::randn({count}) * deviation; }
/// The numbers of those that are chosen with probability p, `none` for the others.
Tensor by_chance(const Tensor& numbers, double p, double none) {
  return torch::where(torch::rand_like(numbers) < p, numbers, torch::full_like(numbers, none));
}

/// N matrices of `size` from their rows; each entry N numbers or one.
Tensor matrices(std::int64_t count, int size, const std::vector<Tensor>& entries) {
  std::vector<Tensor> all;
  for (const Tensor& entry : entries) all.push_back(entry.expand({count}));
  return torch::stack(all, 1).view({count, size, size});
}
Tensor number(double value) { return torch::full({1}, value); }

Tensor scaling(const Tensor& x, const Tensor& y) {
  const Tensor zero = number(0);
  return matrices(x.size(0), 3, {x, zero, zero, zero, y, zero, zero, zero, number(1)});
}
Tensor shifting(const Tensor& x, const Tensor& y) {
  const Tensor zero = number(0), one = number(1);
  return matrices(x.size(0), 3, {one, zero, x, zero, one, y, zero, zero, one});
}
Tensor turning(const Tensor& angle) {
  const Tensor zero = number(0), c = angle.cos(), s = angle.sin();
  return matrices(angle.size(0), 3, {c, -s, zero, s, c, zero, zero, zero, number(1)});
}

/// N x 3 x 3: from a pixel of the result, counted from the middle, to one of the picture.
Tensor drawn_warps(std::int64_t count, double width, double height, double p, bool upright) {
  Tensor warp = torch::eye(3).repeat({count, 1, 1});
  const auto apply = [&warp](const Tensor& inverse) { warp = torch::matmul(warp, inverse); };
  apply(scaling(1 - 2 * by_chance((uniform(count) * 2).floor(), p, 0), torch::ones({count})));
  if (!upright) apply(turning(by_chance((uniform(count) * 4).floor(), p, 0) * (pi / 2)));
  const auto whole = [&](double length) { return (uniform(count) * 2 - 1) * (0.125 * length); };
  const Tensor across = whole(width), down = whole(height);
  const Tensor moves = by_chance(torch::ones({count}), p, 0);
  apply(shifting(-(across * moves).round(), -(down * moves).round()));
  const Tensor scale = by_chance(torch::exp2(normal(count, 0.2)), p, 1);
  apply(scaling(1 / scale, 1 / scale));
  // Two rotations around the stretching; together they happen with probability p.
  const double half = 1 - std::sqrt(std::max(0.0, 1 - p));
  if (!upright) apply(turning(by_chance((uniform(count) * 2 - 1) * pi, half, 0)));
  const Tensor stretch = by_chance(torch::exp2(normal(count, 0.2)), p, 1);
  apply(scaling(1 / stretch, stretch));
  if (!upright) apply(turning(by_chance((uniform(count) * 2 - 1) * pi, half, 0)));
  const Tensor drifts = by_chance(torch::ones({count}), p, 0);
  apply(shifting(-normal(count, 0.125) * width * drifts, -normal(count, 0.125) * height * drifts));
  return warp;
}

/// The filter along dimension 2 or 3, every `stride`-th result.
Tensor filtered(const Tensor& x, int dimension, double gain, bool flipped, std::int64_t stride) {
  Tensor filter = torch::tensor(std::vector<double>(sym6.begin(), sym6.end()));
  filter = filter / filter.sum() * gain;
  if (flipped) filter = filter.flip({0});
  const std::int64_t channels = x.size(1);
  const Tensor kernel = filter.to(x.options()).view({1, 1, dimension == 2 ? taps : 1, dimension == 2 ? 1 : taps});
  const std::array<std::int64_t, 2> strides{dimension == 2 ? stride : 1, dimension == 2 ? 1 : stride};
  return torch::conv2d(x, kernel.expand({channels, 1, kernel.size(2), kernel.size(3)}).contiguous(), {}, strides,
                       torch::IntArrayRef({0, 0}), 1, channels);
}

/// Twice the size: zeros between the pixels, filtered so that sums are kept four times.
Tensor doubled(const Tensor& x) {
  const std::int64_t n = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3);
  const Tensor spread =
      torch::constant_pad_nd(x.reshape({n, c, h, 1, w, 1}), {0, 1, 0, 0, 0, 1}).reshape({n, c, 2 * h, 2 * w});
  constexpr std::int64_t before = (taps + 1) / 2, after = (taps - 2) / 2;
  const Tensor padded = torch::constant_pad_nd(spread, {before, after, before, after});
  return filtered(filtered(padded, 2, 2, true, 1), 3, 2, true, 1);
}

/// Half the size, without the margin that doubled() and the warp were given.
Tensor halved(const Tensor& x) {
  constexpr std::int64_t cut = 2 * margin - (taps - 2) / 2;
  const Tensor inner = x.narrow(2, cut, x.size(2) - 2 * cut).narrow(3, cut, x.size(3) - 2 * cut);
  return filtered(filtered(inner, 2, 1, false, 2), 3, 1, false, 2);
}

/// How far the warps reach beyond the picture, at most its own size: left, top, right, bottom.
std::array<std::int64_t, 4> reach_of(const Tensor& warps, std::int64_t width, std::int64_t height) {
  const double x = (static_cast<double>(width) - 1) / 2, y = (static_cast<double>(height) - 1) / 2;
  const Tensor corners = torch::tensor({{-x, -y, 1.0}, {x, -y, 1.0}, {x, y, 1.0}, {-x, y, 1.0}}).to(torch::kFloat);
  const Tensor seen = torch::matmul(warps, corners.t());  // N x 3 x 4
  const auto beyond = [&](int axis, double sign, double half, std::int64_t size) {
    const double far = (seen.select(1, axis) * sign).max().item<double>() + 2 * margin - half;
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(far)), 0, size - 1);
  };
  return {beyond(0, -1, x, width), beyond(1, -1, y, height), beyond(0, 1, x, width), beyond(1, 1, y, height)};
}

/// Bilinear values of N x C x H x W at N x h x w x 2 places counted from -1 to 1, zeros outside. LibTorch's own has no
/// second derivative; one of sums has.
Tensor sampled(const Tensor& x, const Tensor& grid) {
  const std::int64_t n = x.size(0), c = x.size(1), height = x.size(2), width = x.size(3);
  const auto place = [&grid](int axis, std::int64_t size) {
    return (((grid.select(3, axis) + 1) * static_cast<double>(size) - 1) / 2).flatten(1);
  };
  const Tensor across = place(0, width), down = place(1, height), flat = x.flatten(2);
  Tensor sum;
  for (const int dy : {0, 1})
    for (const int dx : {0, 1}) {
      const Tensor column = across.floor() + dx, row = down.floor() + dy;
      const Tensor inside = (column >= 0).logical_and(column < width).logical_and(row >= 0).logical_and(row < height);
      const Tensor weight = (1 - (across - column).abs()) * (1 - (down - row).abs()) * inside;
      const Tensor index = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).to(torch::kLong);
      const Tensor part = flat.gather(2, index.unsqueeze(1).expand({n, c, index.size(1)})) * weight.unsqueeze(1);
      sum = sum.defined() ? sum + part : part;
    }
  return sum.view({n, c, grid.size(1), grid.size(2)});
}

Tensor warped(const Tensor& pictures, Tensor warps) {
  const std::int64_t width = pictures.size(3), height = pictures.size(2);
  const auto [left, top, right, bottom] = reach_of(warps, width, height);
  const Tensor padded = torch::reflection_pad2d(pictures, {left, right, top, bottom});
  const auto fixed = [](double x, double y, bool shift) {
    return shift ? shifting(number(x), number(y)) : scaling(number(x), number(y));
  };
  warps =
      torch::matmul(fixed(static_cast<double>(left - right) / 2, static_cast<double>(top - bottom) / 2, true), warps);
  // In the doubled picture pixels are half as far apart, and its middle lies half of one aside.
  const Tensor large = doubled(padded);
  warps = torch::matmul(torch::matmul(fixed(2, 2, false), warps), fixed(0.5, 0.5, false));
  warps = torch::matmul(torch::matmul(fixed(-0.5, -0.5, true), warps), fixed(0.5, 0.5, true));
  const std::int64_t out_width = 2 * (width + 2 * margin), out_height = 2 * (height + 2 * margin);
  // grid_sample counts from -1 to 1.
  const auto half = [](std::int64_t size) { return static_cast<double>(size) / 2; };
  warps = torch::matmul(torch::matmul(fixed(1 / half(large.size(3)), 1 / half(large.size(2)), false), warps),
                        fixed(half(out_width), half(out_height), false));
  const Tensor grid = torch::affine_grid_generator(warps.narrow(1, 0, 2).to(pictures.device()),
                                                   {pictures.size(0), pictures.size(1), out_height, out_width}, false);
  return halved(sampled(large, grid));
}

/// Those pictures whose warp is more than the identity.
Tensor geometry(const Tensor& pictures, double p, bool upright) {
  const std::int64_t count = pictures.size(0);
  const Tensor warps =
      drawn_warps(count, static_cast<double>(pictures.size(3)), static_cast<double>(pictures.size(2)), p, upright);
  const Tensor changed = (warps - torch::eye(3)).abs().flatten(1).amax(1).gt(1e-6).nonzero().squeeze(1);
  if (changed.numel() == 0) return pictures;
  const Tensor at = changed.to(pictures.device());
  const Tensor some = pictures.index_select(0, at).contiguous();
  return pictures.index_copy(0, at, warped(some, warps.index_select(0, changed)));
}

/// N x 4 x 4 on (red, green, blue, 1) in [-1, 1].
Tensor drawn_colours(std::int64_t count, double p, bool upright) {
  Tensor matrix = torch::eye(4).repeat({count, 1, 1});
  const auto apply = [&matrix](const Tensor& change) { matrix = torch::matmul(change, matrix); };
  const Tensor zero = number(0), one = number(1);
  const auto scaled = [&](const Tensor& s) {
    return matrices(count, 4, {s, zero, zero, zero, zero, s, zero, zero, zero, zero, s, zero, zero, zero, zero, one});
  };
  const Tensor b = by_chance(normal(count, 0.2), p, 0);
  apply(matrices(count, 4, {one, zero, zero, b, zero, one, zero, b, zero, zero, one, b, zero, zero, zero, one}));
  apply(scaled(by_chance(torch::exp2(normal(count, 0.5)), p, 1)));
  const double third = 1 / std::sqrt(3.0);
  const Tensor axis = torch::tensor({third, third, third, 0.0}).to(torch::kFloat);
  const Tensor along = torch::outer(axis, axis), whole = torch::eye(4);
  if (!upright) {
    const Tensor inverted = by_chance((uniform(count) * 2).floor(), p, 0).view({-1, 1, 1});
    apply(whole - 2 * inverted * along);
  }
  // Around the axis of grays (Rodrigues' formula).
  const Tensor angle = by_chance((uniform(count) * 2 - 1) * pi, p, 0).view({-1, 1, 1});
  Tensor cross = torch::zeros({4, 4});
  const Tensor part = torch::tensor({{0.0, -third, third}, {third, 0.0, -third}, {-third, third, 0.0}});
  cross.narrow(0, 0, 3).narrow(1, 0, 3).copy_(part);
  const Tensor rgb = torch::diag(torch::tensor({1.0F, 1.0F, 1.0F, 0.0F})), last = whole - rgb;
  apply(last + along + (rgb - along) * angle.cos() + cross * angle.sin());
  const Tensor saturation = by_chance(torch::exp2(normal(count, 1.0)), p, 1).view({-1, 1, 1});
  apply(along + (whole - along - last) * saturation + last);
  return matrix;
}

Tensor coloured(const Tensor& pictures, double p, bool upright) {
  const std::int64_t count = pictures.size(0), channels = pictures.size(1);
  const Tensor matrix = drawn_colours(count, p, upright).to(pictures.device());
  const Tensor x = pictures * 2 - 1;
  const std::int64_t colours = std::min<std::int64_t>(channels, 3);
  if (colours < 3) {  // gray: what becomes of the mean of three equal planes
    const Tensor row = matrix.narrow(1, 0, 3).mean(1);
    const Tensor factor = row.narrow(1, 0, 3).sum(1).view({-1, 1, 1, 1}), shift = row.select(1, 3).view({-1, 1, 1, 1});
    return (x * factor + shift) * 0.5 + 0.5;
  }
  const Tensor planes = x.narrow(1, 0, 3).flatten(2);
  const Tensor mixed =
      torch::matmul(matrix.narrow(1, 0, 3).narrow(2, 0, 3), planes) + matrix.narrow(1, 0, 3).narrow(2, 3, 1);
  const Tensor seen = mixed.view({count, 3, x.size(2), x.size(3)}) * 0.5 + 0.5;
  return channels > 3 ? torch::cat({seen, pictures.narrow(1, 3, channels - 3)}, 1) : seen;
}

}  // namespace

Tensor augmented_bgc(const Tensor& pictures, double p, bool upright) {
  if (p <= 0) return pictures;
  return coloured(geometry(pictures, p, upright), p, upright);
}

}  // namespace ganvas
