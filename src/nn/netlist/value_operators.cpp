// Operators that compute value by value, and matrices.
#include <torch/torch.h>

#include <limits>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/netlist/operators.hpp"

namespace ganvas::netlist {

namespace {

using torch::Tensor;

template <Tensor (*function)(const Tensor&)>
Tensors pointwise(const Arguments& a) {
  return {function(a.at(0))};
}

Tensors leaky(const Arguments& a) { return {torch::leaky_relu(a.at(0), a.real("alpha", 0.01))}; }

/// One slope a channel, as ONNX broadcasts it, or one for all.
Tensors prelu(const Arguments& a) {
  const Tensor& slopes = a.at(1);
  const Tensor& x = a.at(0);
  if (slopes.numel() != 1 && (x.dim() < 2 || slopes.numel() != x.size(1)))
    fail(ErrorKind::model, "{} slopes are neither one nor one a channel", slopes.numel());
  return {torch::prelu(x, slopes.reshape({-1}))};
}

Tensors clip(const Arguments& a) {
  const auto bound = [&](std::size_t i, const char* key) -> c10::optional<c10::Scalar> {
    if (a.has(i)) {
      const auto value = a.reals(i);
      if (value.size() != 1) fail(ErrorKind::model, "input {} is not one number", i);
      return c10::Scalar(value[0]);
    }
    if (a.says(key)) return c10::Scalar(a.real(key, 0));
    return c10::nullopt;
  };
  const auto low = bound(1, "min"), high = bound(2, "max");
  if (!low && !high) return {a.at(0)};
  return {torch::clamp(a.at(0), low, high)};
}

Tensors elu(const Arguments& a) { return {torch::elu(a.at(0), a.real("alpha", 1))}; }
Tensors hard_sigmoid(const Arguments& a) {
  return {(a.at(0) * a.real("alpha", 0.2) + a.real("beta", 0.5)).clamp(0, 1)};
}
Tensors hard_swish(const Arguments& a) {
  return {a.at(0) * (a.at(0) * a.real("alpha", 1.0 / 6) + a.real("beta", 0.5)).clamp(0, 1)};
}
Tensors gelu(const Arguments& a) { return {torch::gelu(a.at(0), a.word("approximate", "none"))}; }

/// Numbers of sizes are small tensors; whole ones divide as whole ones.
Tensors divide(const Arguments& a) {
  const Tensor &x = a.at(0), &y = a.at(1);
  if (x.is_floating_point() || y.is_floating_point()) return {x / y};
  if (y.eq(0).any().item<bool>()) fail(ErrorKind::model, "division by 0");
  return {torch::div(x, y, "trunc")};
}

Tensors modulo(const Arguments& a) {
  const Tensor &x = a.at(0), &y = a.at(1);
  if (!y.is_floating_point() && y.eq(0).any().item<bool>()) fail(ErrorKind::model, "division by 0");
  return {a.integer("fmod", 0) != 0 ? torch::fmod(x, y) : torch::remainder(x, y)};
}

template <Tensor (*function)(const Tensor&, const Tensor&)>
Tensors combined(const Arguments& a) {
  Tensor result = a.at(0);
  for (std::size_t i = 1; i < a.count(); ++i) result = function(result, a.at(i));
  return {result};
}
Tensor plus(const Tensor& x, const Tensor& y) { return x + y; }
Tensor minus(const Tensor& x, const Tensor& y) { return x - y; }
Tensor times(const Tensor& x, const Tensor& y) { return x * y; }
Tensor power(const Tensor& x, const Tensor& y) {
  return y.numel() == 1 && !x.is_floating_point() ? x.pow(y) : torch::pow(x, y.to(x.scalar_type()));
}

Tensors select(const Arguments& a) { return {torch::where(a.at(0).to(torch::kBool), a.at(1), a.at(2))}; }
Tensors equal(const Arguments& a) { return {a.at(0).eq(a.at(1))}; }

Tensors matmul(const Arguments& a) {
  if (a.at(0).dim() < 1 || a.at(1).dim() < 1) fail(ErrorKind::model, "its inputs are no matrices");
  return {torch::matmul(a.at(0), a.at(1))};
}

Tensors gemm(const Arguments& a) {
  if (a.at(0).dim() != 2 || a.at(1).dim() != 2) fail(ErrorKind::model, "its inputs are no matrices");
  const Tensor x = a.integer("transA", 0) != 0 ? a.at(0).t() : a.at(0);
  const Tensor y = a.integer("transB", 0) != 0 ? a.at(1).t() : a.at(1);
  const Tensor product = torch::matmul(x, y) * a.real("alpha", 1);
  return {a.has(2) ? product + a.at(2) * a.real("beta", 1) : product};
}

Tensors softmax(const Arguments& a) { return {torch::softmax(a.at(0), a.axis(a.integer("axis", -1)))}; }

enum class Reduction { mean, sum, maximum, root_of_squares };

template <Reduction kind>
Tensors reduced(const Arguments& a) {
  const Tensor& x = a.at(0);
  std::vector<std::int64_t> axes = a.has(1) ? a.numbers(1) : a.integers("axes", {});
  if (axes.empty())
    for (std::int64_t i = 0; i < x.dim(); ++i) axes.push_back(i);
  for (std::int64_t& axis : axes) axis = a.axis(axis);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) fail(ErrorKind::model, "an axis twice");
  const bool keep = a.integer("keepdims", 1) != 0;
  switch (kind) {
    case Reduction::mean:
      return {x.mean(axes, keep)};
    case Reduction::sum:
      return {x.sum(axes, keep)};
    case Reduction::maximum:
      return {x.amax(axes, keep)};
    case Reduction::root_of_squares:
      return {x.square().sum(axes, keep).sqrt()};
  }
  return {};
}

}  // namespace

Table value_operators() {
  return {{"Relu", pointwise<torch::relu>},
          {"LeakyRelu", leaky},
          {"PRelu", prelu},
          {"Sigmoid", pointwise<torch::sigmoid>},
          {"Tanh", pointwise<torch::tanh>},
          {"Silu", pointwise<torch::silu>},
          {"Clip", clip},
          {"Elu", elu},
          {"HardSigmoid", hard_sigmoid},
          {"HardSwish", hard_swish},
          {"Softplus", [](const Arguments& a) { return Tensors{torch::softplus(a.at(0))}; }},
          {"Mish", pointwise<mish_of>},
          {"Gelu", gelu},
          {"Erf", pointwise<torch::erf>},
          {"Exp", pointwise<torch::exp>},
          {"Log", pointwise<torch::log>},
          {"Sqrt", pointwise<torch::sqrt>},
          {"Reciprocal", pointwise<torch::reciprocal>},
          {"Abs", pointwise<torch::abs>},
          {"Neg", pointwise<torch::neg>},
          {"Floor", pointwise<torch::floor>},
          {"Ceil", pointwise<torch::ceil>},
          {"Add", combined<plus>},
          {"Sum", combined<plus>},
          {"Sub", combined<minus>},
          {"Mul", combined<times>},
          {"Div", divide},
          {"Mod", modulo},
          {"Pow", combined<power>},
          {"Max", combined<torch::maximum>},
          {"Min", combined<torch::minimum>},
          {"Where", select},
          {"Equal", equal},
          {"MatMul", matmul},
          {"Gemm", gemm},
          {"Softmax", softmax},
          {"ReduceMean", reduced<Reduction::mean>},
          {"ReduceSum", reduced<Reduction::sum>},
          {"ReduceMax", reduced<Reduction::maximum>},
          {"ReduceL2", reduced<Reduction::root_of_squares>}};
}

}  // namespace ganvas::netlist
