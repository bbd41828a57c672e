#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "engine/operators/operator.hpp"

namespace ganvas::engine {

/// What operators write of themselves into TorchScript: expressions, and the tensors that these need.
class ScriptWriter {
 public:
  /// Stores a tensor of the node at hand under a name of its own. The expression for it; None for an undefined one.
  virtual std::string kept(const char* what, const at::Tensor& tensor) = 0;
  /// Of the result of the node at hand.
  virtual int channels() const = 0;
  std::string kept_per_channel(const char* what, const at::Tensor& values) {
    return kept(what, values.view({-1, 1, 1}));
  }

  static std::string number(double value);
  static std::string truth(bool value) { return value ? "True" : "False"; }
  /// f(a, b, ...)
  static std::string call(const std::string& function, const Names& arguments);
  /// [a, b, ...]
  static std::string list(const Names& items);
  static std::string list(std::initializer_list<int> items);
  static std::string scaled(const std::string& x, double factor);

 protected:
  ~ScriptWriter() = default;
};

}  // namespace ganvas::engine
