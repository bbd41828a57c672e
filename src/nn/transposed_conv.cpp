#include "nn/transposed_conv.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/torch.h>

#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/torch_compat.hpp"

namespace ganvas {

namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// How a transposed convolution moves; two numbers each.
struct Moves {
  std::vector<std::int64_t> stride, padding, dilation, output_padding;
  std::int64_t groups;
};

Moves moves_of(const torch::nn::ConvTranspose2dImpl& layer) {
  const auto& options = layer.options;
  const auto list = [](const torch::ExpandingArray<2>& pair) {
    return std::vector<std::int64_t>(pair->begin(), pair->end());
  };
  return {list(options.stride()), list(variant_get<torch::ExpandingArray<2>>(options.padding())),
          list(options.dilation()), list(options.output_padding()), options.groups()};
}

class ByConvolutionsGradient : public torch::autograd::Function<ByConvolutionsGradient> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Moves& moves) {
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = moves.stride;
    context->saved_data["padding"] = moves.padding;
    context->saved_data["dilation"] = moves.dilation;
    context->saved_data["groups"] = moves.groups;
    const auto side = [&](std::int64_t axis) {
      const auto i = static_cast<std::size_t>(axis - 2);
      return (x.size(axis) - 1) * moves.stride[i] - 2 * moves.padding[i] + moves.dilation[i] * (weight.size(axis) - 1) +
             moves.output_padding[i] + 1;
    };
    // Only its size and layout matter.
    const Tensor result =
        at::empty({x.size(0), weight.size(1) * moves.groups, side(2), side(3)}, x.options(), x.suggest_memory_format());
    return std::get<0>(at::convolution_backward(x, result, weight, c10::nullopt, moves.stride, moves.padding,
                                                moves.dilation, false, {0, 0}, moves.groups, {true, false, false}));
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto list = [&](const char* name) { return context->saved_data[name].toIntVector(); };
    const std::int64_t groups = context->saved_data["groups"].toInt();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const Tensor& gradient = gradients[0];
    Tensor to_x, to_weight;
    if (context->needs_input_grad(0))
      to_x = at::conv2d(gradient, weight, {}, list("stride"), list("padding"), list("dilation"), groups);
    if (context->needs_input_grad(1))
      to_weight =
          std::get<1>(at::convolution_backward(x, gradient, weight, c10::nullopt, list("stride"), list("padding"),
                                               list("dilation"), false, {0, 0}, groups, {false, true, false}));
    return {to_x, to_weight, Tensor()};
  }
};

/// The tensor itself where it is of that type: a trace would keep the conversion.
Tensor in_type(const Tensor& x, torch::ScalarType type) {
  return x.defined() && x.scalar_type() != type ? x.to(type) : x;
}

/// Where LibTorch's own way is the slow one, and nothing else than values is wanted of it.
bool has_slow_transposed_conv(const Tensor& x) {
  return !GANVAS_TORCH_AT_LEAST(2, 0) && x.device().is_cpu() && x.dim() == 4 && x.numel() > 0 &&
         at::globalContext().userEnabledMkldnn() && !torch::jit::tracer::isTracing();
}

}  // namespace

Tensor transposed_conv(const torch::nn::ConvTranspose2dImpl& layer, const Tensor& x) {
  const Moves moves = moves_of(layer);
  const Tensor weight = in_type(layer.weight, x.scalar_type()), bias = in_type(layer.bias, x.scalar_type());
  if (!has_slow_transposed_conv(x))
    return torch::conv_transpose2d(x, weight, bias, moves.stride, moves.padding, moves.output_padding, moves.groups,
                                   moves.dilation);
  // The gradient's code trusts its sizes.
  TORCH_CHECK(x.size(1) == weight.size(0), "a transposed convolution of ", weight.size(0), " channels was given ",
              x.size(1));
  const Tensor result = ByConvolutionsGradient::apply(x, weight, moves);
  return bias.defined() ? result + bias.reshape({1, -1, 1, 1}) : result;
}

Tensor TransposedConvImpl::forward(const Tensor& x) {
  if (x.is_cuda()) return ConvTranspose2dImpl::forward(x);
  const bool half =
      cpu_has_fast_bf16() && (x.scalar_type() == torch::kBFloat16 || AutocastScope::is_on(/*cuda=*/false));
  const bool native = has_slow_transposed_conv(x) || GANVAS_TORCH_AT_LEAST(2, 0);
  if (half && native) return transposed_conv(*this, in_type(x, torch::kBFloat16));
  return in_type(transposed_conv(*this, in_type(x, torch::kFloat)), x.scalar_type());
}

}  // namespace ganvas
