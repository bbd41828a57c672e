#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/geometry.hpp"
#include "engine/kernels/view.hpp"

/// What the engine asks of every operator. How one is added: README.md beside this folder.
namespace ganvas::engine {

class Call;
class OnnxWriter;
class ScriptWriter;

/// How an operator of LibTorch becomes a node.
struct Traced {
  std::string name;  ///< "aten::relu"
  void (*translate)(Call& call);
};

/// A small network of one operator and as few others as it takes, from which a test makes a graph, a plan, regions and
/// exports that must agree with it.
struct Example {
  std::string name;
  std::function<at::Tensor(const at::Tensor&)> forward;  ///< in LibTorch; any H and W that are multiples of `multiple`
  int channels = 3;
  int scale = 1;
  int multiple = 1;
  bool global = false;   ///< sees all pixels
  bool exported = true;  ///< whether it can be
};

/// What an operator with a view of all pixels needs of them: N x C, fp32.
struct GlobalValues {
  at::Tensor mean, variance;
};
enum class Statistics {
  none,
  beside,  ///< its first input's mean and variance, besides the input itself
  alone    ///< the result is made of them alone
};

/// How dear it is to compute a result once more instead of keeping it.
enum class Effort {
  none,     ///< a part of the input as it is
  reading,  ///< as fast as its input is read
  sum,      ///< reads several values
  products  ///< convolutions and the like
};

/// One evaluation of an operator on a part of its result, by LibTorch. Values are N x C x rows x columns, fp32,
/// channels_last in memory, with any strides.
struct Evaluation {
  int channels = 0;                ///< of the result
  Region wanted;                   ///< of the result
  std::vector<at::Tensor> inputs;  ///< exactly source_region() of each; freed or overwritten where nobody else has it
  std::vector<Region> regions;     ///< of the inputs
  std::vector<Size> sizes;         ///< of the whole inputs
  const GlobalValues* globals = nullptr;
  bool bf16 = false;  ///< products

  at::Tensor take(std::size_t i) { return std::move(inputs[i]); }
};

/// Thrown by an evaluation that wants more of an input than source() said, where only values tell how much.
struct ReachExceeded {
  int needed;  ///< places around what is wanted
};

/// Computes a whole value in the compiled plan.
using Kernel = std::function<void(std::span<const View> in, const View& out)>;

/// Names of values in an exported network.
using Names = std::vector<std::string>;

class Operator {
 public:
  /// \name Geometry, along one axis.
  /// @{
  /// Places of the result for so many of the first input.
  virtual int side(Axis, int from) const { return from; }
  /// Whether the result is possible; inputs and result have pixels.
  virtual bool takes(std::span<const Size> inputs, Size result) const;
  /// What `wanted` of the result reads of input `which`, which has `from` places; may reach beyond it.
  virtual Span source(std::size_t /*which*/, Axis, Span wanted, int /*from*/) const { return wanted; }
  /// @}

  /// \name In regions.
  /// @{
  virtual Statistics statistics() const { return Statistics::none; }
  virtual Effort effort() const { return Effort::reading; }
  /// For `area` pixels of the result.
  virtual double multiply_adds(double /*area*/) const { return 0; }
  /// Bytes that evaluate() takes for the while beside inputs and result, roughly.
  virtual double scratch_bytes(const Region& /*wanted*/, const Region& /*source*/) const { return 0; }
  /// The slow, obvious way.
  virtual at::Tensor evaluate(Evaluation& e) const = 0;
  /// @}

  /// In the compiled plan: whether the step reads and writes values with all channels of a pixel together as well as
  /// those in blocks.
  virtual bool takes_any_layout() const { return false; }

  /// In bf16: whether what it reads stays fp32 although its result is rounded, as the sums do along which many blocks
  /// add to one another.
  virtual bool keeps_precision() const { return false; }

  /// \name In exported networks: the name of the result, and the expression for it.
  /// @{
  virtual std::string onnx(OnnxWriter& writer, const Names& inputs) const = 0;
  virtual std::string script(ScriptWriter& writer, const Names& inputs) const = 0;
  /// @}

 protected:
  Operator() = default;
  Operator(const Operator&) = default;
  Operator& operator=(const Operator&) = default;
  ~Operator() = default;
};

/// An operator whose step in the compiled plan is a loop of our own. (The others are known to the plan itself.)
class KernelOperator : public Operator {
 public:
  /// Called once, when the plan is made.
  virtual Kernel kernel() const = 0;

 protected:
  KernelOperator() = default;
  KernelOperator(const KernelOperator&) = default;
  KernelOperator& operator=(const KernelOperator&) = default;
  ~KernelOperator() = default;
};

}  // namespace ganvas::engine
