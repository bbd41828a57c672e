#include <ATen/ops/clamp.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/prelu.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

template <Curve curve>
void translate_activation(Call& call) {
  Activation made;
  made.function.curve = curve;
  if constexpr (curve == Curve::leaky_relu) made.function.slope = call.number(1);
  if constexpr (curve == Curve::prelu) made.function.slopes = call.tensor(1).expand({call.channels()}).contiguous();
  call.give(made, {call.picture(0)});
}

void translate_gelu(Call& call) {
  Activation made;
  made.function.curve = call.text(1) == "tanh" ? Curve::gelu_tanh : Curve::gelu;
  call.give(made, {call.picture(0)});
}

void translate_clamp(Call& call) {
  constexpr double unbounded = std::numeric_limits<float>::infinity();
  Activation made;
  made.function.curve = Curve::clamp;
  made.function.low = call.is_none(1) ? -unbounded : call.number(1);
  made.function.high = call.is_none(2) ? unbounded : call.number(2);
  call.give(made, {call.picture(0)});
}

/// Hendrycks and Gimpel 2016 (Gaussian Error Linear Units); the approximation: tanh(slope * (x + cubic * x^3)).
constexpr double gelu_slope = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, gelu_cubic = 0.044715;
float gelu(float x) { return 0.5F * x * (1 + std::erf(x / std::numbers::sqrt2_v<float>)); }
float gelu_tanh(float x) {
  const float inner = static_cast<float>(gelu_slope) * (x + static_cast<float>(gelu_cubic) * x * x * x);
  return 0.5F * x * (1 + std::tanh(inner));
}
/// x / 2 * (1 + what the error function or its approximation gives).
std::string onnx_gelu(OnnxWriter& writer, const std::string& x, const std::string& curve) {
  return writer.add("Mul", {writer.scaled(x, 0.5), writer.add("Add", {curve, writer.number(1)})});
}

/// Misra 2019: x tanh(ln(1 + e^x)), without the logarithm. From 20 on it is x to the last bit.
float mish(float x) {
  const float power = std::exp(std::min(x, 20.0F)), product = power * (power + 2);
  return x * product / (product + 2);
}

/// A kernel that changes one value after the other.
template <typename Change>
Kernel changing(Change change) {
  return [change](std::span<const View> in, const View& out) {
    for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
      float* row = load_own(in[0], block, y, buffers[0]);
      const std::int64_t count = out.row();
      for (std::int64_t i = 0; i < count; ++i) row[i] = change(row[i]);
      store(out, block, y, row);
    });
  };
}

Kernel leaking(std::vector<float> slopes) {
  return [slopes](std::span<const View> in, const View& out) { leak(in[0], slopes, out); };
}

}  // namespace

Tensor ActivationFunction::apply(Tensor x) const {
  switch (curve) {
    case Curve::none:
      return x;
    case Curve::relu:
      return at::relu_(x);
    case Curve::leaky_relu:
      return at::leaky_relu_(x, slope);
    case Curve::prelu:
      return at::prelu(x, slopes);
    case Curve::silu:
      return at::silu_(x);
    case Curve::sigmoid:
      return at::sigmoid_(x);
    case Curve::tanh:
      return at::tanh_(x);
    case Curve::gelu:
      return at::gelu_(x);
    case Curve::gelu_tanh:
      return at::gelu_(x, "tanh");
    case Curve::mish:
      return at::mish_(x);
    case Curve::clamp:
      return at::clamp_(x, low, high);
  }
  fail(ErrorKind::internal, "an activation without arithmetic");
}

Kernel ActivationFunction::kernel() const {
  switch (curve) {
    case Curve::none:
      break;
    case Curve::relu:
      return leaking({0});
    case Curve::leaky_relu:
      return leaking({static_cast<float>(slope)});
    case Curve::prelu:
      return leaking(floats(slopes));
    case Curve::silu:
      return changing([](float x) { return x / (1 + std::exp(-x)); });
    case Curve::sigmoid:
      return changing([](float x) { return 1 / (1 + std::exp(-x)); });
    case Curve::tanh:
      return changing([](float x) { return std::tanh(x); });
    case Curve::gelu:
      return changing(gelu);
    case Curve::gelu_tanh:
      return changing(gelu_tanh);
    case Curve::mish:
      return changing(mish);
    case Curve::clamp:
      return changing([low = static_cast<float>(low), high = static_cast<float>(high)](float x) {
        return std::min(std::max(x, low), high);
      });
  }
  return [](std::span<const View> in, const View& out) { convert(in[0], out); };
}

std::string ActivationFunction::onnx(OnnxWriter& writer, const std::string& x) const {
  switch (curve) {
    case Curve::none:
      break;
    case Curve::relu:
      return writer.add("Relu", {x});
    case Curve::leaky_relu:
      return writer.add("LeakyRelu", {x}, {{"alpha", slope}});
    case Curve::prelu:
      return writer.add("PRelu", {x, writer.per_channel(slopes)});
    case Curve::silu:
      return writer.add("Mul", {x, writer.add("Sigmoid", {x})});
    case Curve::sigmoid:
      return writer.add("Sigmoid", {x});
    case Curve::tanh:
      return writer.add("Tanh", {x});
    case Curve::gelu:
      return onnx_gelu(writer, x, writer.add("Erf", {writer.scaled(x, 1 / std::numbers::sqrt2)}));
    case Curve::gelu_tanh: {
      const std::string cubic = writer.scaled(writer.add("Mul", {x, writer.add("Mul", {x, x})}), gelu_cubic);
      const std::string inner = writer.scaled(writer.add("Add", {x, cubic}), gelu_slope);
      return onnx_gelu(writer, x, writer.add("Tanh", {inner}));
    }
    case Curve::mish:
      return writer.add("Mul", {x, writer.add("Tanh", {writer.add("Softplus", {x})})});
    case Curve::clamp:
      return writer.add("Max", {writer.add("Min", {x, writer.number(high)}), writer.number(low)});
  }
  return x;
}

std::string ActivationFunction::script(ScriptWriter& writer, const std::string& x) const {
  switch (curve) {
    case Curve::none:
      break;
    case Curve::relu:
      return writer.call("torch.relu", {x});
    case Curve::leaky_relu:
      return writer.call("torch.leaky_relu", {x, writer.number(slope)});
    case Curve::prelu:
      return writer.call("torch.prelu", {x, writer.kept("slopes", slopes)});
    case Curve::silu:
      return writer.call("torch.silu", {x});
    case Curve::sigmoid:
      return writer.call("torch.sigmoid", {x});
    case Curve::tanh:
      return writer.call("torch.tanh", {x});
    case Curve::gelu:
      return writer.call("torch.gelu", {x});
    case Curve::gelu_tanh:
      return writer.call("torch.gelu", {x, "approximate=\"tanh\""});
    case Curve::mish:
      return writer.call("torch.mish", {x});
    case Curve::clamp:
      return writer.call("torch.clamp", {x, writer.number(low), writer.number(high)});
  }
  return x;
}

std::vector<Traced> Activation::traced() {
  return {{"aten::relu", translate_activation<Curve::relu>},
          {"aten::relu_", translate_activation<Curve::relu>},
          {"aten::leaky_relu", translate_activation<Curve::leaky_relu>},
          {"aten::leaky_relu_", translate_activation<Curve::leaky_relu>},
          {"aten::prelu", translate_activation<Curve::prelu>},
          {"aten::silu", translate_activation<Curve::silu>},
          {"aten::silu_", translate_activation<Curve::silu>},
          {"aten::sigmoid", translate_activation<Curve::sigmoid>},
          {"aten::sigmoid_", translate_activation<Curve::sigmoid>},
          {"aten::tanh", translate_activation<Curve::tanh>},
          {"aten::tanh_", translate_activation<Curve::tanh>},
          {"aten::gelu", translate_gelu},
          {"aten::mish", translate_activation<Curve::mish>},
          {"aten::clamp", translate_clamp},
          {"aten::hardtanh", translate_clamp}};
}

std::vector<Example> Activation::examples() {
  return {{"relu", [](const Tensor& x) { return at::relu(x - 0.5); }},
          {"leaky_relu", [](const Tensor& x) { return at::leaky_relu(x - 0.5, 0.2); }},
          {"prelu", [slopes = at::rand({3})](const Tensor& x) { return at::prelu(x - 0.5, slopes); }},
          {"silu", [](const Tensor& x) { return at::silu(8 * x - 4); }},
          {"sigmoid", [](const Tensor& x) { return at::sigmoid(8 * x - 4); }},
          {"tanh", [](const Tensor& x) { return at::tanh(8 * x - 4); }},
          {"gelu", [](const Tensor& x) { return at::gelu(8 * x - 4); }},
          {"gelu by tanh", [](const Tensor& x) { return at::gelu(8 * x - 4, "tanh"); }},
          {"clamp", [](const Tensor& x) { return at::clamp(8 * x - 4, -1, 2); }},
          {"mish", [](const Tensor& x) { return at::mish(40 * x - 20); }}};
}

Tensor Activation::evaluate(Evaluation& e) const { return function.apply(own(e.take(0))); }

std::string Activation::onnx(OnnxWriter& writer, const Names& inputs) const { return function.onnx(writer, inputs[0]); }
std::string Activation::script(ScriptWriter& writer, const Names& inputs) const {
  return function.script(writer, inputs[0]);
}

}  // namespace ganvas::engine
