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

/// How a traced value has its dimensions: N x C x H x W, or N x H x W x C, as layers of tokens want it. In the graph
/// both are the same.
enum class Form { picture, tokens };

/// What a traced value is in the graph.
struct TracedValue {
  NodeId node;
  Form form = Form::picture;
};
/// Values that don't depend on the picture have none.
using TracedValues = std::unordered_map<const torch::jit::Value*, TracedValue>;

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
  /// Of all that is made of the picture.
  Form form() const { return form_; }
  /// Which dimension of N x C x H x W argument `i` names, whatever the form.
  int dimension(std::size_t i) const;
  /// N x C x H x W in the trace, whatever the form; only the channels and what is 1 mean something for other sizes.
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
  void pass_on(std::size_t i) { pass_on(i, form_); }
  /// In another form.
  void pass_on(std::size_t i, Form form);

  [[noreturn]] void refuse(const std::string& why) const;

 private:
  const torch::jit::Node& node_;
  std::string name_;
  Graph& graph_;
  TracedValues& values_;
  Form form_ = Form::picture;
};

}  // namespace ganvas::engine
