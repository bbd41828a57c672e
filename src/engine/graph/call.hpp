#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "engine/graph/graph.hpp"

namespace torch::jit {
struct Node;
struct Value;
}  // namespace torch::jit

namespace ganvas::engine {

/// Which node gives a traced value. Values that don't depend on the picture have none.
using TracedValues = std::unordered_map<const torch::jit::Value*, NodeId>;

/// One operator of LibTorch in the trace while it becomes a node: its arguments, and where the node goes. Whatever asks
/// for something that isn't there throws Error(model) in the operator's name.
class Call {
 public:
  Call(const torch::jit::Node& node, Graph& graph, TracedValues& values);

  const std::string& name() const { return name_; }  ///< "aten::relu"
  std::size_t count() const;                         ///< arguments

  /// Whether argument `i` is made of the picture; otherwise it is a constant.
  bool is_picture(std::size_t i) const;
  NodeId picture(std::size_t i) const;
  std::vector<NodeId> pictures(std::size_t i) const;  ///< of a list
  /// N x C x H x W in the trace; only the channels and what is 1 mean something for other sizes.
  std::vector<std::int64_t> sizes(std::size_t i) const;
  std::vector<std::int64_t> result_sizes(std::size_t which = 0) const;
  int channels(std::size_t which = 0) const;  ///< of the result, which must be one picture

  bool is_none(std::size_t i) const;
  double number(std::size_t i) const;
  bool truth(std::size_t i) const { return number(i) != 0; }
  std::vector<int> numbers(std::size_t i) const;
  std::string text(std::size_t i) const;
  /// In fp32; undefined for None.
  at::Tensor tensor(std::size_t i) const;

  /// The result is a new node of this operator; `which`: of the results of one that gives a list.
  void give(AnyOperator op, std::vector<NodeId> inputs, std::size_t which = 0);
  /// The result is argument `i` as it is.
  void pass_on(std::size_t i);

  [[noreturn]] void refuse(const std::string& why) const;

 private:
  const torch::jit::Node& node_;
  std::string name_;
  Graph& graph_;
  TracedValues& values_;
};

}  // namespace ganvas::engine
