#include "engine/graph/call.hpp"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/torch.h>

#include <algorithm>
#include <optional>

#include "ganvas/core/error.hpp"

namespace ganvas::engine {

namespace {

namespace jit = torch::jit;

std::vector<std::int64_t> sizes_of(const Call& call, const jit::Value* value) {
  const auto type = value->type()->cast<c10::TensorType>();
  const auto sizes = type ? type->sizes().concrete_sizes() : c10::nullopt;
  if (!sizes) call.refuse("a value has no known shape");
  return *sizes;
}

/// A constant, lists included; nothing for a value that depends on the picture.
std::optional<c10::IValue> constant_of(const jit::Value* value) {
  if (auto known = jit::toIValue(value)) return *known;
  const jit::Node* maker = value->node();
  if (maker->kind() != c10::prim::ListConstruct) return std::nullopt;
  c10::List<double> numbers;
  for (const jit::Value* item : maker->inputs()) {
    const auto number = jit::toIValue(item);
    if (!number || !number->isScalar()) return std::nullopt;
    numbers.push_back(number->toScalar().toDouble());
  }
  return c10::IValue(numbers);
}

/// Result `which` of an operator that may give a list, which the trace takes apart at once.
const jit::Value* result_of(const jit::Node& node, std::size_t which) {
  const jit::Value* result = node.output();
  if (result->type()->kind() != c10::TypeKind::ListType) return result;
  for (const auto& use : result->uses())
    if (use.user->kind() == c10::prim::ListUnpack) return use.user->output(which);
  return result;
}

}  // namespace

namespace {

/// The forms of all that a node reads, lists taken apart.
void collect_forms(const jit::Value* value, const TracedValues& values, std::vector<Form>& forms) {
  if (const auto found = values.find(value); found != values.end()) forms.push_back(found->second.form);
  else if (value->node()->kind() == c10::prim::ListConstruct)
    for (const jit::Value* part : value->node()->inputs()) collect_forms(part, values, forms);
}

/// Sizes in the order of a picture.
std::vector<std::int64_t> in_order(std::vector<std::int64_t> sizes, Form form) {
  if (form == Form::tokens && sizes.size() == 4) std::rotate(sizes.begin() + 1, sizes.begin() + 3, sizes.end());
  return sizes;
}

}  // namespace

Call::Call(const jit::Node& node, Graph& graph, TracedValues& values)
    : node_(node), name_(node.kind().toQualString()), graph_(graph), values_(values) {
  std::vector<Form> forms;
  for (const jit::Value* input : node.inputs()) collect_forms(input, values, forms);
  if (!forms.empty()) form_ = forms[0];
  if (std::ranges::any_of(forms, [&](Form form) { return form != form_; })) refuse("mixes pictures and tokens");
}

std::size_t Call::count() const { return node_.inputs().size(); }

bool Call::is_picture(std::size_t i) const { return values_.contains(node_.input(i)); }

NodeId Call::picture(std::size_t i) const {
  const auto found = values_.find(node_.input(i));
  if (found == values_.end()) refuse("takes a value that is neither constant nor known");
  return found->second.node;
}

std::vector<NodeId> Call::pictures(std::size_t i) const {
  std::vector<NodeId> parts;
  for (const jit::Value* part : node_.input(i)->node()->inputs()) {
    const auto found = values_.find(part);
    if (found == values_.end()) refuse("takes a value that is neither constant nor known");
    parts.push_back(found->second.node);
  }
  return parts;
}

int Call::dimension(std::size_t i) const {
  const int named = static_cast<int>(number(i)), place = named < 0 ? named + 4 : named;
  if (place < 0 || place > 3) refuse("names a dimension that pictures don't have");
  constexpr int of_tokens[] = {0, 2, 3, 1};
  return form_ == Form::tokens ? of_tokens[place] : place;
}

std::vector<std::int64_t> Call::sizes(std::size_t i) const {
  return in_order(sizes_of(*this, node_.input(i)), is_picture(i) ? form_ : Form::picture);
}
std::vector<std::int64_t> Call::result_sizes(std::size_t which) const {
  return in_order(sizes_of(*this, result_of(node_, which)), form_);
}

int Call::channels(std::size_t which) const {
  const auto sizes = result_sizes(which);
  if (sizes.size() != 4 || sizes[0] != 1) refuse("gives no picture");
  return static_cast<int>(sizes[1]);
}

bool Call::is_none(std::size_t i) const {
  const auto value = constant_of(node_.input(i));
  return value && value->isNone();
}

double Call::number(std::size_t i) const {
  const auto value = constant_of(node_.input(i));
  if (!value || !value->isScalar()) refuse("an argument is no constant number");
  return value->toScalar().toDouble();
}

std::vector<int> Call::numbers(std::size_t i) const {
  const auto value = constant_of(node_.input(i));
  if (!value) refuse("an argument is no constant list");
  std::vector<int> result;
  if (value->isDoubleList())
    for (const double x : value->toDoubleVector()) result.push_back(static_cast<int>(x));
  else if (value->isIntList())
    for (const std::int64_t x : value->toIntVector()) result.push_back(static_cast<int>(x));
  else refuse("an argument is no list of numbers");
  return result;
}

std::string Call::text(std::size_t i) const {
  const auto value = constant_of(node_.input(i));
  if (!value || !value->isString()) refuse("an argument is no constant text");
  return value->toStringRef();
}

at::Tensor Call::tensor(std::size_t i) const {
  const auto value = constant_of(node_.input(i));
  if (!value) refuse("an argument depends on the picture");
  if (value->isNone()) return {};
  if (value->isScalar()) return torch::tensor({value->toScalar().toDouble()}).to(torch::kFloat);
  if (!value->isTensor()) refuse("an argument is no tensor");
  return value->toTensor().detach().to(torch::kFloat).contiguous();
}

void Call::give(AnyOperator op, std::vector<NodeId> inputs, std::size_t which) {
  const int count = channels(which);
  values_[result_of(node_, which)] = {graph_.add({std::move(op), std::move(inputs), count}), form_};
}

void Call::pass_on(std::size_t i, Form form) {
  if (is_picture(i)) values_[node_.output()] = {picture(i), form};
}

void Call::refuse(const std::string& why) const { fail(ErrorKind::model, "{}: {}", name_, why); }

}  // namespace ganvas::engine
