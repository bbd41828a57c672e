#include "engine/plan/convolution_primitive.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/int8/int8.hpp"
#include "engine/layouts/winograd.hpp"
#include "engine/plan/plan.hpp"

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

/// All channels that it has memory for.
View whole_blocks(View view) {
  view.channels = view.blocks() * view.block;
  return view;
}

/// How many groups are computed as one, with zeros between them. oneDNN's fast code wants whole blocks of channels in
/// every group, or groups of one channel; all else it computes slower by more than an order of magnitude.
int joined_groups(const AnyConvolution& conv, std::int64_t in_each, std::int64_t out_each, int block) {
  if (conv.groups == 1 || (in_each == 1 && out_each == 1)) return 1;
  for (int joined = 1; joined < conv.groups; ++joined)
    if (conv.groups % joined == 0 && joined * in_each % block == 0 && joined * out_each % block == 0) return joined;
  return conv.groups;
}

/// Weights of O x I/groups as those of fewer groups.
Tensor join_groups(const Tensor& weight, std::int64_t groups, std::int64_t joined) {
  const std::int64_t out_each = weight.size(0) / groups, in_each = weight.size(1);
  Tensor result = torch::zeros({weight.size(0), in_each * joined, weight.size(2), weight.size(3)});
  for (std::int64_t group = 0; group < groups; ++group) {
    const std::int64_t first = group * out_each;
    result.narrow(0, first, out_each)
        .narrow(1, group % joined * in_each, in_each)
        .copy_(weight.narrow(0, first, out_each));
  }
  return result;
}

/// `together`: all channels of a pixel, as oneDNN has it for integers; else in blocks.
memory::desc describe(const View& view, bool together) {
  const auto blocks = view.block == 16 ? memory::format_tag::nChw16c : memory::format_tag::nChw8c;
  const auto layout = together ? memory::format_tag::nhwc : blocks;
  return {{1, view.channels, view.height, view.width}, type_of(view), layout};
}

/// An activation as oneDNN has it, with its parameters.
struct Fused {
  dnnl::algorithm algorithm;
  float alpha = 0, beta = 0;
};
std::optional<Fused> fused(const ActivationFunction& activation) {
  using dnnl::algorithm;
  switch (activation.curve) {
    case Curve::relu:
      return Fused{algorithm::eltwise_relu};
    case Curve::leaky_relu:
      return Fused{algorithm::eltwise_relu, static_cast<float>(activation.slope)};
    case Curve::silu:
      return Fused{algorithm::eltwise_swish, 1};
    case Curve::sigmoid:
      return Fused{algorithm::eltwise_logistic};
    case Curve::tanh:
      return Fused{algorithm::eltwise_tanh};
    case Curve::gelu:
      return Fused{algorithm::eltwise_gelu_erf};
    case Curve::gelu_tanh:
      return Fused{algorithm::eltwise_gelu_tanh};
    case Curve::mish:
      return Fused{algorithm::eltwise_mish};
    case Curve::clamp:
      return Fused{algorithm::eltwise_clip, static_cast<float>(activation.low), static_cast<float>(activation.high)};
    case Curve::none:
    case Curve::prelu:
      break;
  }
  return std::nullopt;
}

dnnl::primitive_attr attributes(const AnyConvolution& conv, bool residual, bool with_activation) {
  dnnl::post_ops ops;
  if (residual) ops.append_sum(static_cast<float>(conv.residual_factor));
  if (const auto behind = fused(conv.activation); behind && with_activation)
    ops.append_eltwise(1, behind->algorithm, behind->alpha, behind->beta);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  return attributes;
}

/// oneDNN's padding behind the last pixel, which is what makes the sizes fit.
memory::dims padding_after(const AnyConvolution& conv, const View& from, const View& to, const memory::dims& before,
                           bool transposed) {
  const Size source{from.height, from.width}, result{to.height, to.width};
  memory::dims after(2);
  for (const Axis axis : axes) {
    const int small = along(transposed ? source : result, axis), large = along(transposed ? result : source, axis);
    after[axis] = std::int64_t{small - 1} * conv.stride[axis] + conv.extent(axis) - large - before[axis];
  }
  return after;
}

/// Weights and biases in oneDNN's order, filled up to whole blocks.
struct Filled {
  Tensor weight, bias;
  std::int64_t groups = 1;
};
Filled filled_up(const AnyConvolution& conv, const ConvolutionUse& use, const View& from, const View& to,
                 bool transposed) {
  Filled made{conv.weight, conv.bias.defined() ? conv.bias : torch::zeros({conv.channels()}), conv.groups};
  if (use.split) made.weight = torch::cat({made.weight, made.weight}, 1);
  // oneDNN names output channels first in both directions.
  if (transposed) made.weight = made.weight.unflatten(0, {conv.groups, -1}).transpose(1, 2).flatten(0, 1);
  const int joined =
      joined_groups(conv, made.weight.size(1), made.weight.size(0) / conv.groups, std::min(to.block, channel_block()));
  if (joined > 1) {
    made.weight = join_groups(made.weight, conv.groups, joined);
    made.groups /= joined;
  }
  // Whole blocks too: what fills them up is zeros on all sides, or in groups of one channel, more groups.
  const std::int64_t more = to.channels - conv.channels();
  if (made.groups == 1) {
    made.weight = torch::constant_pad_nd(made.weight, {0, 0, 0, 0, 0, from.channels - made.weight.size(1), 0, more});
  } else if (more > 0) {
    made.weight = torch::constant_pad_nd(made.weight, {0, 0, 0, 0, 0, 0, 0, more});
    made.groups += more;
  }
  made.bias = torch::constant_pad_nd(made.bias, {0, more});
  return made;
}

/// Weights and biases in integers, and what brings their sums back.
void use_integers(const Convolution& conv, const ConvolutionUse& use, int channels, Filled& filled,
                  dnnl::primitive_attr& attribute) {
  const Int8Weights small = int8_weights(filled.weight, largest_int8_weight());
  filled.weight = small.values;
  const Tensor unit = small.steps * use.from_scale.step;  // what one of the integer sum's counts is worth
  filled.bias = (filled.bias + torch::constant_pad_nd(conv.correction, {0, channels - conv.channels()})) / unit;
  const Tensor factors = (use.to_scale.used() ? unit / use.to_scale.step : unit).contiguous();
  attribute.set_output_scales(1 << 1, {factors.data_ptr<float>(), factors.data_ptr<float>() + factors.numel()});
  if (use.from_scale.zero != 0) attribute.set_zero_points(DNNL_ARG_SRC, 0, {use.from_scale.zero});
  if (use.to_scale.used() && use.to_scale.zero != 0) attribute.set_zero_points(DNNL_ARG_DST, 0, {use.to_scale.zero});
}

}  // namespace

bool is_fused(const ActivationFunction& activation) {
  return activation.curve == Curve::none || fused(activation).has_value();
}

namespace {

/// A convolution as oneDNN has it, before its code and its weights are made.
struct Described {
  Filled filled;
  memory::dims dims;  ///< of the weights
  memory::format_tag given = memory::format_tag::oihw;
  memory::desc from, to, bias;
  dnnl::primitive_desc chosen;
  bool winograd = false;  ///< the activation isn't part of it
};

/// Of Winograd's transforms, for all threads together: those of wide layers are as large as the picture's features.
constexpr std::int64_t most_winograd_memory = std::int64_t{128} << 20;

/// oneDNN has it for forward convolutions in blocks.
bool takes_winograd(const AnyConvolution& conv, const ConvolutionUse& use, const View& from, const View& to) {
  return !use.together && !use.split && from.element == Element::fp32 && to.element == Element::fp32 &&
         from.block == to.block && suits_winograd(conv, from.channels, to.channels, from.block);
}

Described described(const AnyConvolution& conv, const ConvolutionUse& use) {
  const auto* forward = dynamic_cast<const Convolution*>(&conv);
  const bool transposed = !forward, int8 = forward && use.from_scale.used();
  const View from = whole_blocks(use.from), to = whole_blocks(use.to);
  dnnl::primitive_attr attribute = attributes(conv, use.residual, true);
  Described made{filled_up(conv, use, from, to, transposed), {}, memory::format_tag::oihw, {}, {}, {}, {}, false};
  if (int8) use_integers(*forward, use, to.channels, made.filled, attribute);
  made.dims.assign(made.filled.weight.sizes().begin(), made.filled.weight.sizes().end());
  if (made.filled.groups > 1) {
    made.dims[0] /= made.filled.groups;
    made.dims.insert(made.dims.begin(), made.filled.groups);
    made.given = memory::format_tag::goihw;
  }
  const memory::desc weight_desc(made.dims, int8 ? memory::data_type::s8 : type_of(from), memory::format_tag::any);
  const memory::dims strides{conv.stride[0], conv.stride[1]}, dilations{conv.dilation[0] - 1, conv.dilation[1] - 1},
      before{use.above >= 0 ? use.above : conv.padding[0], conv.padding[1]},
      after = padding_after(conv, from, to, before, transposed);
  made.from = describe(from, int8 || use.together);
  made.to = describe(to, int8 || use.together);
  made.bias = memory::desc({to.channels}, memory::data_type::f32, memory::format_tag::x);
  using dnnl::prop_kind;
  const auto forward_by = [&](dnnl::algorithm algorithm, const dnnl::primitive_attr& attribute) {
    return dnnl::convolution_forward::primitive_desc({prop_kind::forward_inference, algorithm, made.from, weight_desc,
                                                      made.bias, made.to, strides, dilations, before, after},
                                                     attribute, cpu());
  };
  if (transposed) {
    made.chosen = dnnl::deconvolution_forward::primitive_desc(
        {prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, made.from, weight_desc, made.bias,
         made.to, strides, dilations, before, after},
        attribute, cpu());
    return made;
  }
  if (takes_winograd(conv, use, from, to)) {
    try {
      made.chosen =
          forward_by(dnnl::algorithm::convolution_winograd, attributes(conv, use.residual, /*with_activation=*/false));
      if (made.chosen.query_s64(dnnl::query::memory_consumption_s64) <= most_winograd_memory) {
        made.winograd = true;
        return made;
      }
    } catch (const dnnl::error&) {
      // oneDNN has none for this CPU.
    }
  }
  made.chosen = forward_by(dnnl::algorithm::convolution_direct, attribute);
  return made;
}

PreparedConvolution prepared(NodeId id, const AnyConvolution& conv, const Described& all, PackedWeights& weights) {
  PreparedConvolution made;
  made.from = all.from;
  made.to = all.to;
  made.bias =
      weights.get({id, WeightKey::Kind::bias}, all.filled.bias, all.bias.dims(), memory::format_tag::x, all.bias);
  made.weights =
      weights.get({id, WeightKey::Kind::weight}, all.filled.weight, all.dims, all.given, all.chosen.weights_desc(0));
  made.primitive = dnnl::primitive(all.chosen);
  made.activation_left = all.winograd && fused(conv.activation).has_value();
  made.reference = std::string_view(all.chosen.impl_info_str()).starts_with("ref");
  return made;
}

}  // namespace

PreparedConvolution prepare_convolution(NodeId id, const AnyConvolution& conv, const ConvolutionUse& use,
                                        PackedWeights& weights) {
  return prepared(id, conv, described(conv, use), weights);
}

std::optional<PreparedConvolution> prepare_by_winograd(NodeId id, const AnyConvolution& conv, const ConvolutionUse& use,
                                                       PackedWeights& weights) {
  if (!takes_winograd(conv, use, whole_blocks(use.from), whole_blocks(use.to))) return std::nullopt;
  const Described all = described(conv, use);
  if (!all.winograd) return std::nullopt;
  return prepared(id, conv, all, weights);
}

std::string implementation_of(const AnyConvolution& conv, const ConvolutionUse& use) {
  try {
    return described(conv, use).chosen.impl_info_str();
  } catch (const dnnl::error&) {
    return {};  // none takes it
  }
}

}  // namespace ganvas::engine
