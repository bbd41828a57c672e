// Operators on whole pictures: convolutions, poolings, sizes.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "nn/netlist/operators.hpp"

namespace ganvas::netlist {

namespace {

using torch::Tensor;
using Integers = std::vector<std::int64_t>;

/// Beyond it a kernel, stride, offset or border is no network's.
constexpr std::int64_t largest_step = 4096;

Integers pair_of(const Arguments& a, const char* key, std::int64_t low) {
  const Integers values = a.integers(key, {1, 1});
  if (values.size() != 2 || std::min(values[0], values[1]) < low || std::max(values[0], values[1]) > largest_step)
    fail(ErrorKind::model, "attribute '{}' is out of range, or not of two dimensions", key);
  return values;
}

/// Rows above, columns left, rows below, columns right.
Integers pads_of(const Arguments& a, const Integers& kernel, const Integers& strides, const Integers& dilations) {
  const std::string automatic = a.word("auto_pad", "NOTSET");
  Integers pads = a.integers("pads", {0, 0, 0, 0});
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    if (strides != Integers{1, 1}) fail(ErrorKind::model, "auto_pad with a stride");
    for (const std::size_t i : {0U, 1U}) {
      const std::int64_t whole = dilations[i] * (kernel[i] - 1), less = whole / 2;
      pads[i] = automatic == "SAME_UPPER" ? less : whole - less;
      pads[i + 2] = whole - pads[i];
    }
  }
  if (pads.size() != 4) fail(ErrorKind::model, "attribute 'pads' is not of two dimensions");
  for (const std::int64_t pad : pads)
    if (pad < 0 || pad > largest_step) fail(ErrorKind::model, "attribute 'pads' is out of range");
  return pads;
}

/// What a kernel with these pads computes on, and the pads that are left to it: those that are equal on both sides.
Tensor evenly_padded(const Tensor& x, Integers& pads, double value) {
  if (pads[0] == pads[2] && pads[1] == pads[3] && value == 0) {
    pads.resize(2);
    return x;
  }
  const Tensor padded = torch::constant_pad_nd(x, {pads[1], pads[3], pads[0], pads[2]}, value);
  pads = {0, 0};
  return padded;
}

Integers kernel_of(const Tensor& weight) { return {weight.size(2), weight.size(3)}; }

const Tensor& kernel_weight(const Arguments& a) {
  const Tensor& weight = a.at(1);
  if (weight.dim() != 4 || weight.numel() == 0) fail(ErrorKind::model, "its kernel is not of two dimensions");
  if (std::max(weight.size(2), weight.size(3)) > largest_step) fail(ErrorKind::model, "its kernel is too large");
  return weight;
}

std::int64_t groups_of(const Arguments& a) {
  const std::int64_t groups = a.integer("group", 1);
  if (groups < 1 || a.at(1).size(0) % groups != 0) fail(ErrorKind::model, "attribute 'group' is out of range");
  return groups;
}

Tensors conv(const Arguments& a) {
  const Tensor& weight = kernel_weight(a);
  const Integers strides = pair_of(a, "strides", 1), dilations = pair_of(a, "dilations", 1);
  Integers pads = pads_of(a, kernel_of(weight), strides, dilations);
  const Tensor x = evenly_padded(a.picture(0), pads, a.real("pad_value", 0));
  return {torch::conv2d(x, weight, a.has(2) ? a.at(2) : Tensor(), strides, pads, dilations, groups_of(a))};
}

/// ONNX's and ncnn's pads are cut off the result.
Tensors conv_transpose(const Arguments& a) {
  const Tensor& weight = kernel_weight(a);
  const Integers strides = pair_of(a, "strides", 1), dilations = pair_of(a, "dilations", 1);
  if (a.says("output_shape")) fail(ErrorKind::model, "attribute 'output_shape' is not known to ganvas");
  const Integers pads = pads_of(a, kernel_of(weight), {1, 1}, dilations);
  Integers extra = a.integers("output_padding", {0, 0});
  if (extra.size() != 2 || std::min(extra[0], extra[1]) < 0 || extra[0] >= std::max(strides[0], dilations[0]) ||
      extra[1] >= std::max(strides[1], dilations[1]))
    fail(ErrorKind::model, "attribute 'output_padding' is out of range");
  // At the ends more may be cut, or less.
  const std::int64_t below = pads[2] - pads[0], right = pads[3] - pads[1];
  Tensor result = torch::conv_transpose2d(a.picture(0), weight, a.has(2) ? a.at(2) : Tensor(), strides,
                                          Integers{pads[0], pads[1]}, extra, groups_of(a), dilations);
  if (below != 0 || right != 0) {
    if (below < 0 || right < 0) fail(ErrorKind::model, "attribute 'pads' cuts more at the start than at the end");
    result = torch::constant_pad_nd(result, {0, -right, 0, -below});
  }
  return {result};
}

Tensors batch_normalization(const Arguments& a) {
  return {torch::batch_norm(a.at(0), a.at(1), a.at(2), a.at(3), a.at(4), false, 0.1, a.real("epsilon", 1e-5), false)};
}

Tensors instance_normalization(const Arguments& a) {
  const Tensor weight = a.has(1) ? a.at(1) : Tensor(), bias = a.has(2) ? a.at(2) : Tensor();
  return {torch::instance_norm(a.at(0), weight, bias, {}, {}, true, 0.1, a.real("epsilon", 1e-5), false)};
}

Tensors group_normalization(const Arguments& a) {
  const std::int64_t groups = a.integer("num_groups", 1);
  if (groups < 1 || a.at(0).size(1) % groups != 0) fail(ErrorKind::model, "attribute 'num_groups' is out of range");
  const Tensor weight = a.has(1) ? a.at(1) : Tensor(), bias = a.has(2) ? a.at(2) : Tensor();
  return {torch::group_norm(a.at(0), groups, weight, bias, a.real("epsilon", 1e-5), false)};
}

Tensors layer_normalization(const Arguments& a) {
  const Tensor& x = a.at(0);
  const auto shape = x.sizes().slice(static_cast<std::size_t>(a.axis(a.integer("axis", -1))));
  return {torch::layer_norm(x, shape, a.at(1), a.has(2) ? a.at(2) : Tensor(), a.real("epsilon", 1e-5))};
}

Tensors global_average(const Arguments& a) { return {a.picture(0).mean({2, 3}, true)}; }
Tensors global_maximum(const Arguments& a) { return {a.picture(0).amax({2, 3}, true)}; }

template <bool maximum>
Tensors pool(const Arguments& a) {
  const Integers kernel = pair_of(a, "kernel_shape", 1), strides = pair_of(a, "strides", 1);
  if (!a.says("kernel_shape")) fail(ErrorKind::model, "attribute 'kernel_shape' is missing");
  Integers pads = pads_of(a, kernel, strides, {1, 1});
  if (pads[0] != pads[2] || pads[1] != pads[3] || pads[0] > kernel[0] / 2 || pads[1] > kernel[1] / 2)
    fail(ErrorKind::model, "pads that differ, or beyond half of the kernel");
  pads.resize(2);
  const bool up = a.integer("ceil_mode", 0) != 0;
  if constexpr (maximum) {
    if (pair_of(a, "dilations", 1) != Integers{1, 1}) fail(ErrorKind::model, "dilation");
    return {torch::max_pool2d(a.picture(0), kernel, strides, pads, 1, up)};
  } else {
    return {torch::avg_pool2d(a.picture(0), kernel, strides, pads, up, a.integer("count_include_pad", 0) != 0)};
  }
}

std::int64_t block_of(const Arguments& a) {
  const std::int64_t block = a.integer("blocksize", 0);
  if (block < 1 || block > 64) fail(ErrorKind::model, "attribute 'blocksize' is out of range");
  return block;
}

/// The order (cell, channel) of channels that are (channel, cell), or back.
Integers transposed_order(std::int64_t rows, std::int64_t columns) {
  Integers order;
  for (std::int64_t column = 0; column < columns; ++column)
    for (std::int64_t row = 0; row < rows; ++row) order.push_back(row * columns + column);
  return order;
}

Tensors depth_to_space(const Arguments& a) {
  const Tensor& x = a.picture(0);
  const std::int64_t block = block_of(a), cells = block * block;
  if (x.size(1) % cells != 0) fail(ErrorKind::model, "{} channels are no {}x{} cells", x.size(1), block, block);
  if (a.word("mode", "DCR") == "CRD") return {torch::pixel_shuffle(x, block)};
  return {torch::pixel_shuffle(reordered(x, transposed_order(cells, x.size(1) / cells)), block)};
}

Tensors space_to_depth(const Arguments& a) {
  const Tensor& x = a.picture(0);
  const std::int64_t block = block_of(a);
  if (x.size(2) % block != 0 || x.size(3) % block != 0)
    fail(ErrorKind::model, "{}x{} pixels are no multiple of {}", x.size(3), x.size(2), block);
  const Tensor deep = torch::pixel_unshuffle(x, block);
  if (a.word("mode", "DCR") == "CRD") return {deep};  // not ONNX's: ncnn's Reorg
  return {reordered(deep, transposed_order(x.size(1), block * block))};
}

/// Height and width of the result, and their factors where these are given.
struct Target {
  Integers size;
  c10::optional<double> down, across;
};

Target target_of(const Arguments& a, std::size_t scales, std::size_t sizes) {
  constexpr double largest_scale = 64;
  const Tensor& x = a.picture(0);
  Target to;
  if (a.has(sizes) && a.at(sizes).numel() > 0) {
    to.size = a.numbers(sizes);
    if (to.size.size() == 4) to.size = {to.size[2], to.size[3]};
    if (to.size.size() != 2) fail(ErrorKind::model, "sizes of another number of dimensions");
  } else {
    const std::vector<double> factors = a.reals(scales);
    if (factors.size() != 4 || factors[0] != 1 || factors[1] != 1)
      fail(ErrorKind::model, "scales that aren't of height and width alone");
    for (const double factor : {factors[2], factors[3]})
      if (!(factor > 0 && factor <= largest_scale)) fail(ErrorKind::model, "a scale of {}", factor);
    to.down = factors[2];
    to.across = factors[3];
    to.size = {static_cast<std::int64_t>(std::floor(static_cast<double>(x.size(2)) * factors[2])),
               static_cast<std::int64_t>(std::floor(static_cast<double>(x.size(3)) * factors[3]))};
  }
  for (const std::size_t i : {0U, 1U})
    if (to.size[i] < 1 || static_cast<double>(to.size[i]) > largest_scale * static_cast<double>(x.size(2 + i)))
      fail(ErrorKind::model, "a size of {}", to.size[i]);
  return to;
}

/// Nearest: both ways of rounding are the same for whole factors, which is where others than `floor` are taken.
Tensor nearest(const Arguments& a, const Tensor& x, const Target& to, const std::string& coordinates) {
  const std::string rounding = a.word("nearest_mode", "round_prefer_floor");
  const bool whole = to.size[0] % x.size(2) == 0 && to.size[1] % x.size(3) == 0;
  const bool plain = coordinates == "asymmetric" && rounding == "floor";
  const bool centred = (coordinates == "half_pixel" || coordinates == "pytorch_half_pixel") && whole &&
                       (rounding == "round_prefer_floor" || rounding == "round_prefer_ceil");
  if (!plain && !centred) fail(ErrorKind::model, "nearest by {} and {} is not known to ganvas", coordinates, rounding);
  return torch::upsample_nearest2d(x, to.size, to.down, to.across);
}

Tensors resize(const Arguments& a) {
  const Tensor& x = a.picture(0);
  const Target to = target_of(a, a.op() == "Upsample" || a.count() == 2 ? 1 : 2, 3);
  const std::string mode = a.word("mode", "nearest");
  const std::string coordinates = a.op() == "Upsample" ? (mode == "nearest" ? "asymmetric" : "half_pixel")
                                                       : a.word("coordinate_transformation_mode", "half_pixel");
  if (to.size[0] == x.size(2) && to.size[1] == x.size(3)) return {x};
  if (mode == "nearest") {
    if (a.op() == "Upsample") return {torch::upsample_nearest2d(x, to.size, to.down, to.across)};
    return {nearest(a, x, to, coordinates)};
  }
  const bool corners = coordinates == "align_corners";
  if (!corners && coordinates != "half_pixel" && coordinates != "pytorch_half_pixel")
    fail(ErrorKind::model, "{} by {} is not known to ganvas", mode, coordinates);
  if (a.integer("antialias", 0) != 0) fail(ErrorKind::model, "antialias is not known to ganvas");
  if (mode == "linear") return {torch::upsample_bilinear2d(x, to.size, corners, to.down, to.across)};
  if (mode != "cubic" || std::abs(a.real("cubic_coeff_a", -0.75) + 0.75) > 1e-6)
    fail(ErrorKind::model, "mode {} is not known to ganvas", mode);
  return {torch::upsample_bicubic2d(x, to.size, corners, to.down, to.across)};
}

Tensors pad(const Arguments& a) {
  const Tensor& x = a.picture(0);
  const Integers pads = a.count() > 1 ? a.numbers(1) : a.integers("pads", {});
  if (a.has(3)) fail(ErrorKind::model, "input 'axes' is not known to ganvas");
  if (pads.size() != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0)
    fail(ErrorKind::model, "pads that aren't of height and width alone");
  for (const std::int64_t side : pads)
    if (std::abs(side) > largest_step) fail(ErrorKind::model, "pads of {}", side);
  const Integers sides{pads[3], pads[7], pads[2], pads[6]};
  if (sides == Integers{0, 0, 0, 0}) return {x};
  const std::string mode = a.word("mode", "constant");
  if (mode == "reflect") return {torch::reflection_pad2d(x, sides)};
  if (mode == "edge") return {torch::replication_pad2d(x, sides)};
  if (mode != "constant") fail(ErrorKind::model, "mode {} is not known to ganvas", mode);
  const double value = a.has(2) && a.at(2).numel() == 1 ? a.reals(2)[0] : a.real("value", 0);
  return {torch::constant_pad_nd(x, sides, value)};
}

/// As large a part of the first picture as the second one is.
Tensors crop(const Arguments& a) {
  const Tensor &x = a.picture(0), &like = a.picture(1);
  const Integers offsets = a.integers("offsets", {0, 0});
  if (offsets.size() != 2) fail(ErrorKind::model, "attribute 'offsets' is not of two dimensions");
  Integers sides;
  for (const std::size_t i : {1U, 0U}) {
    const std::int64_t after = x.size(2 + i) - offsets[i] - like.size(2 + i);
    if (offsets[i] < 0 || offsets[i] > largest_step || after < 0)
      fail(ErrorKind::model, "{} pixels from {} on are not in {}", like.size(2 + i), offsets[i], x.size(2 + i));
    sides.insert(sides.end(), {-offsets[i], -after});
  }
  return {torch::constant_pad_nd(x, sides)};
}

}  // namespace

Table picture_operators() {
  return {{"Conv", conv},
          {"ConvTranspose", conv_transpose},
          {"BatchNormalization", batch_normalization},
          {"InstanceNormalization", instance_normalization},
          {"GroupNormalization", group_normalization},
          {"LayerNormalization", layer_normalization},
          {"GlobalAveragePool", global_average},
          {"GlobalMaxPool", global_maximum},
          {"AveragePool", pool<false>},
          {"MaxPool", pool<true>},
          {"DepthToSpace", depth_to_space},
          {"SpaceToDepth", space_to_depth},
          {"Resize", resize},
          {"Upsample", resize},
          {"Pad", pad},
          {"Crop", crop}};
}

}  // namespace ganvas::netlist
