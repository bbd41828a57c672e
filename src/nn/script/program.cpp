#include "nn/script/program.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <set>
#include <unordered_map>

#include "nn/script/operators.hpp"

namespace ganvas::script {

namespace {

using Kind = Expression::Kind;

class Instances {
 public:
  explicit Instances(const Program& program) : program_(program) {}

  std::shared_ptr<Object> object(const ScriptObject& source) {
    const auto [place, is_new] = made_.try_emplace(&source);
    if (!is_new) return place->second;
    const auto type = program_.classes.find(source.type);
    if (type == program_.classes.end()) throw Foreign{fmt::format("the class '{}'", source.type.substr(0, 120))};
    auto result = place->second = std::make_shared<Object>();
    result->type = &type->second;
    for (const auto& [name, attribute] : source.attributes) result->attributes[name] = value(attribute);
    if (result->attributes.contains("training")) result->attributes["training"].data = false;
    return result;
  }

  Value value(const ScriptValue& source) {
    return std::visit([this](const auto& data) { return converted(data); }, source.value);
  }

 private:
  static Value converted(std::monostate) { return {}; }
  static Value converted(bool truth) { return {truth, {}, nullptr}; }
  static Value converted(std::int64_t number) { return {number, {}, nullptr}; }
  static Value converted(double number) { return {number, {}, nullptr}; }
  static Value converted(const std::string& text) { return {text, {}, nullptr}; }
  static Value converted(const torch::Tensor& tensor) { return {tensor, {}, nullptr}; }
  // Only what uses it needs to understand it.
  static Value converted(const ScriptUnknown&) { return {c10::IValue(), {}, nullptr}; }
  Value converted(const std::shared_ptr<ScriptObject>& source) { return {{}, object(*source), nullptr}; }
  Value converted(const std::shared_ptr<ScriptList>& source) {
    std::vector<c10::IValue> items;
    for (const ScriptValue& item : source->items) items.push_back(value(item).data);
    return {source->is_tuple ? c10::IValue(c10::ivalue::Tuple::create(std::move(items))) : generic_list(items), {}, {}};
  }

  const Program& program_;
  std::unordered_map<const ScriptObject*, std::shared_ptr<Object>> made_;
};

void collect(const Object& object, std::set<const Object*>& seen, std::vector<torch::Tensor>& tensors) {
  if (!seen.insert(&object).second) return;
  for (const auto& [name, value] : object.attributes) {
    if (value.object) collect(*value.object, seen, tensors);
    if (!value.data.isTensor() || !value.data.toTensor().defined()) continue;
    const torch::Tensor& tensor = value.data.toTensor();
    bool known = false;
    for (const torch::Tensor& other : tensors) known |= other.is_same(tensor);
    if (!known) tensors.push_back(tensor);
  }
}

std::shared_ptr<Object> copied(const Object& object,
                               std::unordered_map<const Object*, std::shared_ptr<Object>>& copies) {
  const auto [place, is_new] = copies.try_emplace(&object);
  if (!is_new) return place->second;
  auto result = place->second = std::make_shared<Object>(object);
  for (auto& [name, value] : result->attributes) {
    if (value.object) value.object = copied(*value.object, copies);
    if (value.data.isTensor() && value.data.toTensor().defined()) value.data = value.data.toTensor().clone();
  }
  return result;
}

/// The expression that a name stands for at the end of a function, or the expression itself.
const Expression* source_of(const Function& function, const Expression& expression) {
  const Expression* found = &expression;
  for (auto statement = function.body.rbegin(); statement != function.body.rend(); ++statement)
    if (found->kind == Kind::name && statement->kind == Statement::Kind::assign && statement->targets.size() == 1 &&
        statement->targets.front() == found->text)
      found = &statement->value;
  return found;
}

/// The module that an expression names, as `self.act`, `getattr(self.body, "3")` or a variable of it.
const Object* module_of(const Object& self, const Function& function, const Expression& expression, int depth) {
  constexpr int deepest = 20;
  const Expression& source = *source_of(function, expression);
  if (depth > deepest) return nullptr;
  if (source.kind == Kind::name) return source.text == function.parameters.front().name ? &self : nullptr;
  const bool by_name = source.kind == Kind::call && source.items.size() == 3 && source.items[0].text == "getattr";
  if (source.kind != Kind::attribute && !by_name) return nullptr;
  const Object* owner = module_of(self, function, by_name ? source.items[1] : source.items[0], depth + 1);
  if (!owner) return nullptr;
  const auto member = owner->attributes.find(by_name ? source.items[2].text : source.text);
  return member == owner->attributes.end() ? nullptr : member->second.object.get();
}

bool ends_in(const Object& object, const std::string& path, int depth) {
  constexpr int deepest = 50;
  for (const Function& method : object.type->methods) {
    if (method.name != "forward" || method.body.empty() || depth > deepest || method.parameters.empty()) continue;
    const Expression& last = *source_of(method, method.body.back().value);
    if (last.kind != Kind::call) return false;
    if (last.items.front().path() == path) return true;
    const Expression& callee = last.items.front();
    if (callee.kind != Kind::attribute || callee.text != "forward") return false;
    const Object* module = module_of(object, method, callee.items.front(), 0);
    return module && ends_in(*module, path, depth + 1);
  }
  return false;
}

}  // namespace

std::shared_ptr<Object> deep_copy(const Object& object) {
  std::unordered_map<const Object*, std::shared_ptr<Object>> copies;
  return copied(object, copies);
}

bool ends_in(const Object& object, const std::string& path) { return ends_in(object, path, 0); }

std::shared_ptr<Object> instantiate(const Program& program, const ScriptObject& object) {
  return Instances(program).object(object);
}

Value instantiate(const Program& program, const ScriptValue& value) { return Instances(program).value(value); }

std::vector<torch::Tensor> tensors_of(const Object& object) {
  std::set<const Object*> seen;
  std::vector<torch::Tensor> tensors;
  collect(object, seen, tensors);
  return tensors;
}

}  // namespace ganvas::script
