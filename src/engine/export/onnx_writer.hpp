#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/operators/operator.hpp"

namespace ganvas::engine {

/// What operators write of themselves into an ONNX graph (opset 17); without that library's headers, which only the
/// source that implements it needs.
class OnnxWriter {
 public:
  using Integers = std::vector<std::int64_t>;
  struct Attribute {
    std::string name;
    std::variant<std::int64_t, double, std::string, Integers> value;
  };
  using Attributes = std::vector<Attribute>;

  /// Adds an operator of ONNX and gives the name of its result.
  virtual std::string add(const char* op, const Names& inputs, const Attributes& attributes = {}) = 0;
  /// The name of a constant, fp32.
  virtual std::string constant(const at::Tensor& values) = 0;
  virtual std::string integers(const Integers& values) = 0;
  /// Of the result of the node at hand.
  virtual int channels() const = 0;

  std::string number(double value);
  /// Values of one a channel, or one for all, that multiply pictures.
  std::string per_channel(const at::Tensor& values) { return constant(values.view({-1, 1, 1})); }
  std::string scaled(const std::string& x, double factor);

 protected:
  ~OnnxWriter() = default;
};

}  // namespace ganvas::engine
