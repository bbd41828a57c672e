#include "engine/convolution.hpp"

#include <torch/torch.h>

#include "engine/geometry.hpp"
#include "engine/int8.hpp"

namespace ganvas::engine {

namespace {

using dnnl::memory;
using torch::Tensor;

memory::data_type type_of(const View& view) {
  switch (view.element) {
    case Element::fp32:
      return memory::data_type::f32;
    case Element::bf16:
      return memory::data_type::bf16;
    case Element::int8:
      return memory::data_type::u8;
  }
  return memory::data_type::undef;
}

/// All channels that it has memory for, unless they come in groups.
View whole_blocks(View view, const Node& node) {
  if (node.groups == 1) view.channels = view.blocks() * view.block;
  return view;
}

/// `together`: all channels of a pixel, as oneDNN has it for integers; else in blocks.
memory::desc describe(const View& view, bool together) {
  const auto blocks = view.block == 16 ? memory::format_tag::nChw16c : memory::format_tag::nChw8c;
  const auto layout = together ? memory::format_tag::nhwc : blocks;
  return {{1, view.channels, view.height, view.width}, type_of(view), layout};
}

dnnl::primitive_attr attributes(const Node& n) {
  dnnl::post_ops ops;
  if (n.inputs.size() > 1) ops.append_sum(static_cast<float>(n.beta));
  using dnnl::algorithm;
  switch (n.activation) {
    case Activation::relu:
    case Activation::leaky_relu:
      ops.append_eltwise(1, algorithm::eltwise_relu, n.activation == Activation::relu ? 0 : static_cast<float>(n.slope),
                         0);
      break;
    case Activation::silu:
      ops.append_eltwise(1, algorithm::eltwise_swish, 1, 0);
      break;
    case Activation::sigmoid:
      ops.append_eltwise(1, algorithm::eltwise_logistic, 0, 0);
      break;
    case Activation::tanh:
      ops.append_eltwise(1, algorithm::eltwise_tanh, 0, 0);
      break;
    default:
      break;  // prelu: a step of its own
  }
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  return attributes;
}

/// oneDNN's padding behind the last pixel, which is what makes the sizes fit.
memory::dims padding_after(const Node& n, const View& from, const View& to, const memory::dims& before,
                           bool transposed) {
  memory::dims after(2);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t reach = kernel_extent(n, axis);
    const std::int64_t before_it = axis == 0 ? from.height : from.width;
    const std::int64_t after_it = axis == 0 ? to.height : to.width;
    const std::int64_t small = transposed ? before_it : after_it, large = transposed ? after_it : before_it;
    after[axis] = (small - 1) * n.stride[axis] + reach - large - before[axis];
  }
  return after;
}

}  // namespace

PreparedConvolution prepare_convolution(int index, const Node& n, const ConvolutionUse& use, PackedWeights& weights) {
  const bool transposed = n.op == Op::transposed_convolution;
  Tensor weight = n.weight, bias = n.bias.defined() ? n.bias : torch::zeros({n.channels});
  dnnl::primitive_attr attribute = attributes(n);
  if (use.split) weight = torch::cat({weight, weight}, 1);
  // oneDNN names output channels first in both directions.
  if (transposed) weight = weight.unflatten(0, {n.groups, -1}).transpose(1, 2).flatten(0, 1);
  const View from = whole_blocks(use.from, n), to = whole_blocks(use.to, n);
  if (n.groups == 1) {
    // oneDNN's fast code wants whole blocks; what fills them up is zeros on all sides.
    const std::int64_t more = to.channels - n.channels;
    weight = torch::constant_pad_nd(weight, {0, 0, 0, 0, 0, from.channels - weight.size(1), 0, more});
    bias = torch::constant_pad_nd(bias, {0, more});
  }
  const bool int8 = use.from_scale.used();
  if (int8) {
    const Int8Weights small = int8_weights(weight, largest_int8_weight());
    weight = small.values;
    const Tensor unit = small.steps * use.from_scale.step;  // what one of the integer sum's counts is worth
    bias = (bias + torch::constant_pad_nd(n.correction, {0, to.channels - n.channels})) / unit;
    const Tensor factors = (use.to_scale.used() ? unit / use.to_scale.step : unit).contiguous();
    attribute.set_output_scales(1 << 1, {factors.data_ptr<float>(), factors.data_ptr<float>() + factors.numel()});
    if (use.from_scale.zero != 0) attribute.set_zero_points(DNNL_ARG_SRC, 0, {use.from_scale.zero});
    if (use.to_scale.used() && use.to_scale.zero != 0) attribute.set_zero_points(DNNL_ARG_DST, 0, {use.to_scale.zero});
  }
  memory::dims dims(weight.sizes().begin(), weight.sizes().end());
  auto given = memory::format_tag::oihw;
  if (n.groups > 1) {
    dims[0] /= n.groups;
    dims.insert(dims.begin(), n.groups);
    given = memory::format_tag::goihw;
  }
  const memory::desc weight_desc(dims, int8 ? memory::data_type::s8 : type_of(from), memory::format_tag::any);
  const memory::desc bias_desc({to.channels}, memory::data_type::f32, memory::format_tag::x);
  const memory::dims strides{n.stride[0], n.stride[1]}, dilations{n.dilation[0] - 1, n.dilation[1] - 1},
      before{use.above >= 0 ? use.above : n.padding[0], n.padding[1]},
      after = padding_after(n, from, to, before, transposed);
  PreparedConvolution made;
  made.from = describe(from, int8 || use.together);
  made.to = describe(to, int8 || use.together);
  made.bias = weights.get(2 * index + 1, bias, {to.channels}, memory::format_tag::x, bias_desc);
  using dnnl::prop_kind;
  if (transposed) {
    const dnnl::deconvolution_forward::primitive_desc chosen(
        {prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, made.from, weight_desc, bias_desc,
         made.to, strides, dilations, before, after},
        attribute, cpu());
    made.weights = weights.get(2 * index, weight, dims, given, chosen.weights_desc());
    made.primitive = dnnl::deconvolution_forward(chosen);
  } else {
    const dnnl::convolution_forward::primitive_desc chosen(
        {prop_kind::forward_inference, dnnl::algorithm::convolution_direct, made.from, weight_desc, bias_desc, made.to,
         strides, dilations, before, after},
        attribute, cpu());
    made.weights = weights.get(2 * index, weight, dims, given, chosen.weights_desc());
    made.primitive = dnnl::convolution_forward(chosen);
  }
  return made;
}

}  // namespace ganvas::engine
