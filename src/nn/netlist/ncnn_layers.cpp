#include "nn/netlist/ncnn_layers.hpp"

#include <torch/torch.h>

#include <unordered_map>

#include "ganvas/core/error.hpp"

namespace ganvas::netlist {

namespace {

using nlohmann::json;
using torch::Tensor;
using Translation = NcnnTranslation;

constexpr std::int64_t as_upper = -233, as_lower = -234;  ///< pads, as "SAME_UPPER" and "SAME_LOWER"

struct Kernel {
  std::int64_t out, down, across, in, groups;
};

/// Sizes of a convolution's weights: outputs (0), kernel (1, 11), their number (6), groups (7).
Kernel kernel_of(const NcnnLayer& layer, bool grouped) {
  constexpr std::int64_t widest = 65536, tallest = 255, most = std::int64_t{1} << 31;
  if (layer.whole(8, 0) != 0) layer.refuse("int8 weights, which ganvas doesn't read");
  if (layer.whole(19, 0) != 0 && layer.type.starts_with("Conv")) layer.refuse("weights that are a layer's result");
  Kernel k{};
  k.out = layer.bounded(0, 0, 1, widest);
  k.across = layer.bounded(1, 0, 1, tallest);
  k.down = layer.bounded(11, k.across, 1, tallest);
  k.groups = grouped ? layer.bounded(7, 1, 1, widest) : 1;
  const std::int64_t weights = layer.bounded(6, 0, 1, most), each = k.out * k.down * k.across;
  // A group has out/groups * in/groups kernels.
  if (k.out % k.groups != 0 || weights * k.groups % each != 0 || weights * k.groups / each % k.groups != 0)
    layer.refuse(fmt::format("{} weights are no {}x{} kernels of {} outputs in {} groups", weights, k.down, k.across,
                             k.out, k.groups));
  k.in = weights * k.groups / each;
  return k;
}

json convolution_attributes(const NcnnLayer& layer, const Kernel& k) {
  constexpr std::int64_t most = 255;
  const std::int64_t across = layer.bounded(3, 1, 1, most), wide = layer.bounded(2, 1, 1, most);
  json attributes{{"strides", {layer.bounded(13, across, 1, most), across}},
                  {"dilations", {layer.bounded(12, wide, 1, most), wide}},
                  {"group", k.groups}};
  const std::int64_t left = layer.bounded(4, 0, as_lower, most), top = layer.bounded(14, left, as_lower, most);
  if (left == as_upper || left == as_lower) {
    attributes["auto_pad"] = left == as_upper ? "SAME_UPPER" : "SAME_LOWER";
  } else {
    const std::int64_t right = layer.bounded(15, left, 0, most), bottom = layer.bounded(16, top, 0, most);
    if (left < 0 || top < 0) layer.refuse("negative pads");
    attributes["pads"] = {top, left, bottom, right};
  }
  return attributes;
}

template <bool grouped>
void convolution(Translation& to, const NcnnLayer& layer) {
  const Kernel k = kernel_of(layer, grouped);
  json attributes = convolution_attributes(layer, k);
  if (layer.real(18, 0) != 0) attributes["pad_value"] = layer.real(18, 0);
  std::vector<std::string> inputs{to.input(layer, 0),
                                  to.constant(to.weights().marked({k.out, k.in / k.groups, k.down, k.across}))};
  if (layer.whole(5, 0) != 0) inputs.push_back(to.constant(to.weights().plain({k.out})));
  to.activated(layer, to.between(layer, "Conv", inputs, attributes));
}

template <bool grouped>
void deconvolution(Translation& to, const NcnnLayer& layer) {
  const Kernel k = kernel_of(layer, grouped);
  json attributes = convolution_attributes(layer, k);
  if (layer.whole(20, 0) != 0 || layer.whole(21, 0) != 0 || attributes.contains("auto_pad"))
    layer.refuse("a result of a given size, which ganvas doesn't know");
  const std::int64_t right = layer.bounded(18, 0, 0, 255);
  attributes["output_padding"] = {layer.bounded(19, right, 0, 255), right};
  // Outputs come first in ncnn, inputs elsewhere.
  const Tensor weight = to.weights()
                            .marked({k.groups, k.out / k.groups, k.in / k.groups, k.down, k.across})
                            .transpose(1, 2)
                            .reshape({k.in, k.out / k.groups, k.down, k.across})
                            .contiguous();
  std::vector<std::string> inputs{to.input(layer, 0), to.constant(weight)};
  if (layer.whole(5, 0) != 0) inputs.push_back(to.constant(to.weights().plain({k.out})));
  to.activated(layer, to.between(layer, "ConvTranspose", inputs, attributes));
}

/// Of one pixel's values: a convolution of 1x1.
void inner_product(Translation& to, const NcnnLayer& layer) {
  constexpr std::int64_t widest = 65536;
  const std::int64_t out = layer.bounded(0, 0, 1, widest), weights = layer.bounded(2, 0, 1, std::int64_t{1} << 31);
  if (layer.whole(8, 0) != 0) layer.refuse("int8 weights, which ganvas doesn't read");
  if (weights % out != 0) layer.refuse(fmt::format("{} weights don't go into {} outputs", weights, out));
  const std::string from = to.input(layer, 0);
  if (!to.vectors.contains(from)) layer.refuse("takes a whole picture; ganvas knows it behind a mean alone");
  std::vector<std::string> inputs{from, to.constant(to.weights().marked({out, weights / out, 1, 1}))};
  if (layer.whole(1, 0) != 0) inputs.push_back(to.constant(to.weights().plain({out})));
  to.activated(layer, to.between(layer, "Conv", inputs));
}

void prelu(Translation& to, const NcnnLayer& layer) {
  const std::int64_t count = layer.bounded(0, 0, 1, 65536);
  to.give(layer, "PRelu", {to.input(layer, 0), to.constant(to.weights().plain({count, 1, 1}))});
}

void relu(Translation& to, const NcnnLayer& layer) {
  const double slope = layer.real(0, 0);
  if (slope == 0) to.give(layer, "Relu", {to.input(layer, 0)});
  else to.give(layer, "LeakyRelu", {to.input(layer, 0)}, {{"alpha", slope}});
}

void clip(Translation& to, const NcnnLayer& layer) {
  to.give(layer, "Clip", {to.input(layer, 0)}, {{"min", layer.real(0, -3.4e38)}, {"max", layer.real(1, 3.4e38)}});
}

void hard(Translation& to, const NcnnLayer& layer) {
  const char* op = layer.type == "HardSwish" ? "HardSwish" : "HardSigmoid";
  to.give(layer, op, {to.input(layer, 0)}, {{"alpha", layer.real(0, 0.2)}, {"beta", layer.real(1, 0.5)}});
}

template <const char* const& op>
void plain(Translation& to, const NcnnLayer& layer) {
  to.give(layer, op, {to.input(layer, 0)});
}
constexpr const char *sigmoid = "Sigmoid", *tanh_name = "Tanh", *silu = "Silu", *mish = "Mish";

void gelu(Translation& to, const NcnnLayer& layer) {
  const bool fast = layer.whole(0, 0) != 0;
  to.give(layer, "Gelu", {to.input(layer, 0)}, {{"approximate", fast ? "tanh" : "none"}});
}

/// Axes count from the channels in ncnn, from the pictures of a batch elsewhere.
std::int64_t axis_of(const NcnnLayer& layer, int key) {
  const std::int64_t axis = layer.bounded(key, 0, -3, 2);
  return axis < 0 ? axis + 4 : axis + 1;
}

void concat(Translation& to, const NcnnLayer& layer) {
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) inputs.push_back(to.input(layer, i));
  if (inputs.empty()) layer.refuse("takes nothing");
  to.give(layer, "Concat", inputs, {{"axis", axis_of(layer, 0)}});
}

void slice(Translation& to, const NcnnLayer& layer) {
  const auto* lengths = layer.array(0);
  Operation one{"Split", layer.name, {to.input(layer, 0)}, layer.outputs, {{"axis", axis_of(layer, 1)}}};
  json split = json::array();
  bool even = true;
  if (lengths)
    for (const double length : *lengths)
      if (length != as_upper) {
        even = false;
        if (!(length >= 1 && length <= 65536)) layer.refuse(fmt::format("a part of {}", length));
        split.push_back(static_cast<std::int64_t>(length));
      }
  if (!even && split.size() != layer.outputs.size()) layer.refuse("parts whose size is the rest");
  if (!even) one.attributes["split"] = split;
  to.list.operations.push_back(std::move(one));
}

/// As a constant of the graph.
std::string number(Translation& to, double value) { return to.constant(torch::full({1}, value)); }

void binary(Translation& to, const NcnnLayer& layer) {
  static constexpr const char* ops[] = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sub", "Div"};
  const std::int64_t kind = layer.bounded(0, 0, 0, 8);
  std::string first = to.input(layer, 0);
  std::string second = layer.whole(1, 0) != 0 ? number(to, layer.real(2, 0)) : to.input(layer, 1);
  if (kind >= 7) std::swap(first, second);  // reversed
  to.give(layer, ops[kind], {first, second});
}

void unary(Translation& to, const NcnnLayer& layer) {
  const std::int64_t kind = layer.bounded(0, 0, 0, 16);
  const std::string x = to.input(layer, 0);
  switch (kind) {
    case 0:
      return to.give(layer, "Abs", {x});
    case 1:
      return to.give(layer, "Neg", {x});
    case 2:
      return to.give(layer, "Floor", {x});
    case 3:
      return to.give(layer, "Ceil", {x});
    case 4:
      return to.give(layer, "Mul", {x, x});
    case 5:
      return to.give(layer, "Sqrt", {x});
    case 7:
      return to.give(layer, "Exp", {x});
    case 8:
      return to.give(layer, "Log", {x});
    case 15:
      return to.give(layer, "Reciprocal", {x});
    case 16:
      return to.give(layer, "Tanh", {x});
    default:
      layer.refuse(fmt::format("0={} is not known to ganvas", kind));
  }
}

void eltwise(Translation& to, const NcnnLayer& layer) {
  static constexpr const char* ops[] = {"Mul", "Add", "Max"};
  const std::int64_t kind = layer.bounded(0, 0, 0, 2);
  if (layer.inputs.size() < 2) layer.refuse("takes fewer than two values");
  const auto* factors = layer.array(1);
  if (factors && !factors->empty() && (kind != 1 || factors->size() != layer.inputs.size()))
    layer.refuse("coefficients that don't fit");
  std::vector<std::string> terms;
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
    const double factor = factors && !factors->empty() ? (*factors)[i] : 1;
    const std::string x = to.input(layer, i);
    terms.push_back(factor == 1 ? x : to.between(layer, "Mul", {x, number(to, factor)}));
  }
  std::string sum = terms[0];
  for (std::size_t i = 1; i + 1 < terms.size(); ++i) sum = to.between(layer, ops[kind], {sum, terms[i]});
  to.give(layer, ops[kind], {sum, terms.back()});
}

void interp(Translation& to, const NcnnLayer& layer) {
  static constexpr const char* modes[] = {"nearest", "linear", "cubic"};
  const std::int64_t kind = layer.bounded(0, 0, 1, 3);
  if (layer.whole(5, 0) != 0 || layer.inputs.size() != 1 || layer.whole(3, 0) != 0 || layer.whole(4, 0) != 0)
    layer.refuse("a size that isn't a factor");
  json attributes{{"mode", modes[kind - 1]}};
  if (kind == 1) {
    attributes["coordinate_transformation_mode"] = "asymmetric";
    attributes["nearest_mode"] = "floor";
  } else {
    attributes["coordinate_transformation_mode"] = layer.whole(6, 0) != 0 ? "align_corners" : "pytorch_half_pixel";
  }
  const std::string scales = to.constant(torch::tensor({1.0, 1.0, layer.real(1, 1), layer.real(2, 1)}, torch::kFloat));
  to.give(layer, "Resize", {to.input(layer, 0), "", scales}, attributes);
}

template <const char* const& op>
void cells(Translation& to, const NcnnLayer& layer) {
  to.give(layer, op, {to.input(layer, 0)},
          {{"blocksize", layer.bounded(0, 1, 1, 64)}, {"mode", layer.whole(1, 0) != 0 ? "DCR" : "CRD"}});
}
constexpr const char *to_space = "DepthToSpace", *to_depth = "SpaceToDepth";

void pooling(Translation& to, const NcnnLayer& layer) {
  const bool average = layer.bounded(0, 0, 0, 1) != 0;
  const bool adaptive = layer.whole(7, 0) != 0 && layer.whole(8, 0) == 1 && layer.whole(18, 1) == 1;
  if (layer.whole(4, 0) != 0 || adaptive) {
    to.give(layer, average ? "GlobalAveragePool" : "GlobalMaxPool", {to.input(layer, 0)});
    to.vectors.insert(layer.outputs.at(0));
    return;
  }
  if (layer.whole(7, 0) != 0) layer.refuse("pools to a given size, which ganvas doesn't know");
  const std::int64_t across = layer.bounded(1, 0, 1, 255), step = layer.bounded(2, 1, 1, 255);
  const std::int64_t left = layer.bounded(3, 0, 0, 255), top = layer.bounded(13, left, 0, 255);
  const std::int64_t mode = layer.bounded(5, 0, 0, 3);
  if (mode > 1) layer.refuse("pads to the same size, which ganvas doesn't know");
  to.give(layer, average ? "AveragePool" : "MaxPool", {to.input(layer, 0)},
          {{"kernel_shape", {layer.bounded(11, across, 1, 255), across}},
           {"strides", {layer.bounded(12, step, 1, 255), step}},
           {"pads", {top, left, layer.bounded(15, top, 0, 255), layer.bounded(14, left, 0, 255)}},
           {"ceil_mode", mode == 0 ? 1 : 0},
           {"count_include_pad", layer.whole(6, 0)}});
}

void scale(Translation& to, const NcnnLayer& layer) {
  const std::int64_t count = layer.whole(0, 0);
  if (count == as_upper) return to.give(layer, "Mul", {to.input(layer, 0), to.input(layer, 1)});
  const std::int64_t size = layer.bounded(0, 0, 1, 65536);
  const std::string factors = to.constant(to.weights().plain({size, 1, 1}));
  if (layer.whole(1, 0) == 0) return to.give(layer, "Mul", {to.input(layer, 0), factors});
  const std::string scaled = to.between(layer, "Mul", {to.input(layer, 0), factors});
  to.give(layer, "Add", {scaled, to.constant(to.weights().plain({size, 1, 1}))});
}

void batch_norm(Translation& to, const NcnnLayer& layer) {
  const std::int64_t size = layer.bounded(0, 0, 1, 65536);
  const Tensor slope = to.weights().plain({size}), mean = to.weights().plain({size});
  const Tensor variance = to.weights().plain({size}), bias = to.weights().plain({size});
  to.give(layer, "BatchNormalization",
          {to.input(layer, 0), to.constant(slope), to.constant(bias), to.constant(mean), to.constant(variance)},
          {{"epsilon", layer.real(1, 0)}});
}

/// The layer's picture, and its scale and shift where it has them.
std::vector<std::string> normed(Translation& to, const NcnnLayer& layer, int size_key, int affine_key) {
  std::vector<std::string> inputs{to.input(layer, 0)};
  const std::int64_t size = layer.bounded(size_key, 0, 1, 65536);
  if (layer.whole(affine_key, 1) != 0)
    for (int i = 0; i < 2; ++i) inputs.push_back(to.constant(to.weights().plain({size})));
  return inputs;
}

void instance_norm(Translation& to, const NcnnLayer& layer) {
  to.give(layer, "InstanceNormalization", normed(to, layer, 0, 2), {{"epsilon", layer.real(1, 0.001)}});
}

void group_norm(Translation& to, const NcnnLayer& layer) {
  to.give(layer, "GroupNormalization", normed(to, layer, 1, 3),
          {{"epsilon", layer.real(2, 0.001)}, {"num_groups", layer.bounded(0, 1, 1, 65536)}});
}

void crop(Translation& to, const NcnnLayer& layer) {
  if (layer.inputs.size() == 2)
    return to.give(layer, "Crop", {to.input(layer, 0), to.input(layer, 1)},
                   {{"offsets", {layer.bounded(1, 0, 0, 4096), layer.bounded(0, 0, 0, 4096)}}});
  for (const int key : {3, 4, 5})
    if (layer.whole(key, 0) != as_upper && layer.whole(key, 0) != 0) layer.refuse("a size that isn't another value's");
  if (layer.array(9)) layer.refuse("starts and ends of axes, which ganvas doesn't know");
  const auto border = [&](int key) { return -layer.bounded(key, 0, 0, 4096); };
  const Tensor pads = torch::tensor(std::vector<std::int64_t>{0, 0, border(1), border(0), 0, 0, border(7), border(6)});
  to.give(layer, "Pad", {to.input(layer, 0), to.constant(pads)});
}

void padding(Translation& to, const NcnnLayer& layer) {
  static constexpr const char* modes[] = {"constant", "edge", "reflect"};
  const auto border = [&](int key) { return layer.bounded(key, 0, 0, 4096); };
  if (layer.whole(7, 0) != 0 || layer.whole(8, 0) != 0) layer.refuse("pads channels");
  const Tensor pads = torch::tensor(std::vector<std::int64_t>{0, 0, border(0), border(2), 0, 0, border(1), border(3)});
  to.give(layer, "Pad", {to.input(layer, 0), to.constant(pads)},
          {{"mode", modes[layer.bounded(4, 0, 0, 2)]}, {"value", layer.real(5, 0)}});
}

void memory_data(Translation& to, const NcnnLayer& layer) {
  const std::int64_t width = layer.bounded(0, 0, 0, 65536), height = layer.bounded(1, 0, 0, 65536);
  const std::int64_t channels = layer.bounded(2, 0, 0, 65536);
  const std::vector<std::int64_t> shape = channels > 0 ? std::vector{channels, height, width}
                                          : height > 0 ? std::vector{height, width}
                                                       : std::vector{width, std::int64_t{1}, std::int64_t{1}};
  to.give(layer, "Identity", {to.constant(to.weights().plain(shape))});
}

void same_value(Translation& to, const NcnnLayer& layer) { to.pass_on(layer); }

}  // namespace

NcnnFunction find_ncnn_layer(const std::string& type) {
  static const std::unordered_map<std::string, NcnnFunction> all{{"Split", same_value},
                                                                 {"Noop", same_value},
                                                                 {"Dropout", same_value},
                                                                 {"Convolution", convolution<false>},
                                                                 {"ConvolutionDepthWise", convolution<true>},
                                                                 {"Deconvolution", deconvolution<false>},
                                                                 {"DeconvolutionDepthWise", deconvolution<true>},
                                                                 {"InnerProduct", inner_product},
                                                                 {"PReLU", prelu},
                                                                 {"ReLU", relu},
                                                                 {"Clip", clip},
                                                                 {"Sigmoid", plain<sigmoid>},
                                                                 {"TanH", plain<tanh_name>},
                                                                 {"Swish", plain<silu>},
                                                                 {"Mish", plain<mish>},
                                                                 {"GELU", gelu},
                                                                 {"HardSwish", hard},
                                                                 {"HardSigmoid", hard},
                                                                 {"Concat", concat},
                                                                 {"Slice", slice},
                                                                 {"BinaryOp", binary},
                                                                 {"UnaryOp", unary},
                                                                 {"Eltwise", eltwise},
                                                                 {"Interp", interp},
                                                                 {"PixelShuffle", cells<to_space>},
                                                                 {"Reorg", cells<to_depth>},
                                                                 {"Pooling", pooling},
                                                                 {"Scale", scale},
                                                                 {"BatchNorm", batch_norm},
                                                                 {"InstanceNorm", instance_norm},
                                                                 {"GroupNorm", group_norm},
                                                                 {"Crop", crop},
                                                                 {"Padding", padding},
                                                                 {"MemoryData", memory_data}};
  const auto found = all.find(type);
  return found == all.end() ? nullptr : found->second;
}

}  // namespace ganvas::netlist
