#pragma once

#include <array>
#include <variant>

#include "engine/kernels/attention.hpp"
#include "engine/kernels/channel_mixing.hpp"
#include "engine/kernels/sampling.hpp"
#include "engine/operators/operator.hpp"

/// All operators with their fields; what they do is in <name>.cpp, and what their functions are for in operator.hpp.
/// `traced()` gives all ways in which LibTorch's trace has them.
namespace ganvas::engine {

/// The picture.
struct Input final : Operator {
  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
};

/// gelu_tanh: GELU by its approximation with a tanh.
enum class Curve { none, relu, leaky_relu, prelu, silu, sigmoid, tanh, gelu, gelu_tanh, mish, clamp };

/// An activation function, alone or behind a convolution.
struct ActivationFunction {
  Curve curve = Curve::none;
  double slope = 0;          ///< of leaky_relu
  at::Tensor slopes;         ///< of prelu, one a channel
  double low = 0, high = 1;  ///< of clamp

  /// Overwrites `x`.
  at::Tensor apply(at::Tensor x) const;
  Kernel kernel() const;
  std::string onnx(OnnxWriter& writer, const std::string& x) const;
  std::string script(ScriptWriter& writer, const std::string& x) const;
};

/// An activation function alone.
struct Activation final : KernelOperator {
  ActivationFunction function;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override { return function.kernel(); }
};

/// What convolutions of both directions share. Inputs: x [, residual]; gives
/// activation(conv(x) + residual_factor * residual), the residual being as large as the result.
struct AnyConvolution : Operator {
  at::Tensor weight;  ///< O x I/groups x h x w; transposed: I x O/groups x h x w; fp32
  at::Tensor bias;    ///< O; or undefined
  std::array<int, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1};  ///< down, across
  int groups = 1;
  double residual_factor = 1;
  ActivationFunction activation;

  /// Of the result.
  virtual int channels() const = 0;
  /// Makes it give its result times `scale` plus `shift`, of one value or one a channel each.
  virtual void scale_and_shift(const at::Tensor& scale, const at::Tensor& shift) = 0;
  /// What `wanted` reads, not cut: zeros lie outside.
  virtual Span reads(Axis axis, Span wanted) const = 0;
  /// Taps of the kernel, from the first to the last.
  int extent(Axis axis) const;

  bool takes(std::span<const Size> inputs, Size result) const final;
  Span source(std::size_t which, Axis axis, Span wanted, int from) const final;
  Effort effort() const final { return Effort::products; }
  at::Tensor evaluate(Evaluation& e) const final;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const final;
  std::string script(ScriptWriter& writer, const Names& inputs) const final;

 protected:
  AnyConvolution() = default;
  AnyConvolution(const AnyConvolution&) = default;
  AnyConvolution& operator=(const AnyConvolution&) = default;
  ~AnyConvolution() = default;

  /// `wanted` of the convolution of `x`, which covers `read` with all zeros that belong there.
  virtual at::Tensor products(const at::Tensor& x, const Region& read, const Region& wanted) const = 0;
  virtual std::string onnx_products(OnnxWriter& writer, const std::string& x) const = 0;
  virtual std::string script_products(ScriptWriter& writer, const std::string& x) const = 0;
};

struct Convolution final : AnyConvolution {
  Int8Scale scale_in;     ///< of the input, where it runs in int8 (int8/int8.hpp)
  at::Tensor correction;  ///< then added to the bias, one a channel

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int channels() const override { return static_cast<int>(weight.size(0)); }
  void scale_and_shift(const at::Tensor& scale, const at::Tensor& shift) override;
  Span reads(Axis axis, Span wanted) const override;
  int side(Axis axis, int from) const override;
  double multiply_adds(double area) const override;
  double scratch_bytes(const Region& wanted, const Region& source) const override;

 protected:
  at::Tensor products(const at::Tensor& x, const Region& read, const Region& wanted) const override;
  std::string onnx_products(OnnxWriter& writer, const std::string& x) const override;
  std::string script_products(ScriptWriter& writer, const std::string& x) const override;
};

struct TransposedConvolution final : AnyConvolution {
  std::array<int, 2> output_padding{0, 0};  ///< down, across

  static void translate(Call& call);

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int channels() const override { return static_cast<int>(weight.size(1)) * groups; }
  void scale_and_shift(const at::Tensor& scale, const at::Tensor& shift) override;
  Span reads(Axis axis, Span wanted) const override;
  int side(Axis axis, int from) const override;
  double multiply_adds(double area) const override;
  double scratch_bytes(const Region& wanted, const Region& source) const override;

 protected:
  at::Tensor products(const at::Tensor& x, const Region& read, const Region& wanted) const override;
  std::string onnx_products(OnnxWriter& writer, const std::string& x) const override;
  std::string script_products(ScriptWriter& writer, const std::string& x) const override;
};

/// alpha * a + beta * b
struct Add final : KernelOperator {
  double alpha = 1, beta = 1;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  Effort effort() const override { return Effort::sum; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// a * b; b may be C x 1 x 1, or one channel of as many pixels
struct Multiply final : KernelOperator {
  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  bool takes(std::span<const Size> inputs, Size result) const override;
  Effort effort() const override { return Effort::sum; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// (a + beta * b) * (sigmoid(a) + shift), the attention without weights of SPAN: what fold() makes of its four
/// operators
struct GatedSum final : KernelOperator {
  double beta = 1, shift = 0;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  Effort effort() const override { return Effort::sum; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// a * scale + shift, of one value or one a channel each
struct Affine final : KernelOperator {
  at::Tensor scale, shift;

  /// Makes the result of `call` such a node of its picture `input`; other shapes are refused.
  static void translate(Call& call, const at::Tensor& scale, const at::Tensor& shift, std::size_t input = 0);

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// Along the channels. The plan computes the parts where the whole needs them.
struct Concat final : Operator {
  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
};

/// Inputs: x [, base]; the base's nearest-neighbour enlargement is added.
struct PixelShuffle final : KernelOperator {
  int factor = 1;
  bool grouped = false;  ///< channels come as (row, column, channel), not (channel, row, column)

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int side(Axis, int from) const override { return from * factor; }
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
  bool takes_any_layout() const override { return true; }
};

struct PixelUnshuffle final : KernelOperator {
  int factor = 1;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int side(Axis, int from) const override { return from / factor; }
  bool takes(std::span<const Size> inputs, Size result) const override;
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
  bool takes_any_layout() const override { return true; }
};

/// Enlargement by whole factors.
struct Nearest final : KernelOperator {
  int factor = 1;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int side(Axis, int from) const override { return from * factor; }
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;

  /// What of the enlargement of x, which covers `there`, is wanted.
  static at::Tensor enlarged(const at::Tensor& x, int factor, const Region& there, const Region& wanted);
  static std::string onnx_enlarged(OnnxWriter& writer, const std::string& x, int factor);
  static std::string script_enlarged(const std::string& x, int factor);
};

/// Enlargement by whole factors; or of its second input to the size of its first one.
struct Bilinear final : KernelOperator {
  int factor = 1;
  bool align_corners = false;
  bool like = false;  ///< to the first input's size

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int side(Axis, int from) const override { return from * factor; }
  bool takes(std::span<const Size> inputs, Size result) const override;
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

struct Pad final : KernelOperator {
  enum class Kind { zero, reflect, replicate };
  Kind kind = Kind::zero;
  std::array<int, 2> before{0, 0}, after{0, 0};  ///< down, across; of zeros below 0: cut off
  /// At the bottom and right besides what is missing to a multiple that is at least `smallest`.
  int multiple = 1, smallest = 1;
  bool far = false;  ///< reflects as far as the picture reaches, and what was last from there on

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int side(Axis axis, int from) const override;
  bool takes(std::span<const Size> inputs, Size result) const override;
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  Effort effort() const override { return Effort::none; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// (x - mean) / sqrt(variance + eps) * scale + shift over all pixels of each channel
struct InstanceNorm final : KernelOperator {
  at::Tensor scale, shift;  ///< one a channel, or undefined
  double eps = 1e-5;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  Statistics statistics() const override { return Statistics::beside; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// (x - mean) / sqrt(variance + eps) * scale + shift over all pixels of each group of channels
struct GroupNorm final : KernelOperator {
  int groups = 1;
  at::Tensor scale, shift;  ///< one a channel, or undefined
  double eps = 1e-5;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  Statistics statistics() const override { return Statistics::beside; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;

  /// For `groups` groups; 0: each channel is one.
  static Kernel normed(int groups, const at::Tensor& scale, const at::Tensor& shift, double eps);
};

/// (x - mean) / sqrt(variance + eps) * scale + shift over all channels of each pixel
struct LayerNorm final : KernelOperator {
  at::Tensor scale, shift;  ///< one a channel, or undefined
  double eps = 1e-5;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  Effort effort() const override { return Effort::sum; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
  bool keeps_precision() const override { return true; }
};

/// Attention inside windows (ganvas/nn/traced_operators.hpp). Inputs: queries, keys and values beside one another; of
/// cells: queries, and keys and values of four in one.
struct WindowAttention final : KernelOperator {
  AttentionKind kind;
  at::Tensor bias;  ///< heads x queries x keys; or undefined

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  bool takes(std::span<const Size> inputs, Size result) const override;
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  Effort effort() const override { return Effort::products; }
  double multiply_adds(double area) const override;
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// Attention between channels (ganvas/nn/traced_operators.hpp) of queries, keys and values beside one another
struct ChannelAttention final : KernelOperator {
  ChannelMixing kind;
  at::Tensor temperature;  ///< one a head

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  bool takes(std::span<const Size> inputs, Size result) const override;
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  Effort effort() const override { return Effort::products; }
  double multiply_adds(double area) const override;
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// Enlargement by sampling (ganvas/nn/traced_operators.hpp). Inputs: features, offsets
struct Sampled final : KernelOperator {
  Sampling kind;
  int reach = 4;  ///< places around a pixel's own that a part of the result is given; more if ReachExceeded says so

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int side(Axis, int from) const override { return from * kind.factor; }
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  Effort effort() const override { return Effort::sum; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// The largest value of each window, without borders
struct MaxPool final : KernelOperator {
  std::array<int, 2> window{2, 2}, stride{2, 2};  ///< down, across

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int side(Axis axis, int from) const override;
  Span source(std::size_t which, Axis axis, Span wanted, int from) const override;
  Effort effort() const override { return Effort::sum; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// As many channels as the result has, from `first` on
struct ChannelSlice final : KernelOperator {
  int first = 0;

  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  Effort effort() const override { return Effort::none; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// Over all pixels: C x 1 x 1
struct Mean final : KernelOperator {
  static std::vector<Traced> traced();
  static std::vector<Example> examples();
  int side(Axis, int) const override { return 1; }
  Statistics statistics() const override { return Statistics::alone; }
  at::Tensor evaluate(Evaluation& e) const override;
  std::string onnx(OnnxWriter& writer, const Names& inputs) const override;
  std::string script(ScriptWriter& writer, const Names& inputs) const override;
  Kernel kernel() const override;
};

/// A new operator is one more here. Whatever must know each of them visits this and doesn't compile before it does.
using AnyOperator =
    std::variant<Input, Convolution, TransposedConvolution, Activation, Add, Multiply, Affine, Concat, PixelShuffle,
                 PixelUnshuffle, Nearest, Bilinear, Pad, InstanceNorm, GroupNorm, ChannelSlice, Mean, LayerNorm,
                 WindowAttention, ChannelAttention, Sampled, MaxPool, GatedSum>;

/// What all operators have.
const Operator& common_part(const AnyOperator& op);
/// Of all operators together.
std::vector<Traced> all_traced();
std::vector<Example> all_examples();

}  // namespace ganvas::engine
