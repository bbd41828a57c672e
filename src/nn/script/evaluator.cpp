#include "nn/script/evaluator.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <charconv>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "nn/script/operators.hpp"

namespace ganvas::script {

namespace {

using Code = Expression::Kind;

const Function* find_method(const Class& type, const std::string& name) {
  for (const Function& method : type.methods)
    if (method.name == name) return &method;
  return nullptr;
}

Value plain(c10::IValue data) { return {std::move(data), {}, nullptr}; }

/// How deep statements and expressions lie in one another, through all calls: as much as the stack bears.
class Nested {
 public:
  explicit Nested(int& depth) : depth_(depth) {
    constexpr int deepest = 1000;
    if (++depth_ > deepest) {
      --depth_;
      throw Foreign{"calls nested too deeply"};
    }
  }
  ~Nested() { --depth_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  int& depth_;
};

}  // namespace

torch::Tensor Evaluator::forward(const std::shared_ptr<Object>& self, const torch::Tensor& input) {
  const Function* function = find_method(*self->type, "forward");
  if (!function) throw Foreign{"no forward()"};
  const Value result = call(*function, {{{}, self, nullptr}, plain(input)}, {});
  if (!result.data.isTensor() || !result.data.toTensor().defined())
    fail(ErrorKind::model, "the program gives something else than one tensor");
  return result.data.toTensor();
}

void Evaluator::step(std::size_t count) {
  constexpr std::size_t most = 1'000'000;
  steps_ += count;
  if (steps_ > most) throw Foreign{"more than a million steps"};
  throw_if_interrupted();
  if (Clock::now() > deadline_) throw Foreign{"too much time on a small picture"};
}

Value Evaluator::call(const Function& function, std::vector<Value> values,
                      std::vector<std::pair<std::string, Value>> named) {
  constexpr int deepest = 100;
  if (depth_ >= deepest) throw Foreign{"calls nested too deeply"};
  if (values.size() > function.parameters.size())
    throw Foreign{fmt::format("too many arguments of '{}'", function.name)};
  Names names;
  for (std::size_t i = 0; i < function.parameters.size(); ++i) {
    const Parameter& parameter = function.parameters[i];
    const auto given =
        std::find_if(named.begin(), named.end(), [&](const auto& pair) { return pair.first == parameter.name; });
    if (i < values.size()) names[parameter.name] = std::move(values[i]);
    else if (given != named.end()) names[parameter.name] = std::move(given->second);
    else if (parameter.otherwise) names[parameter.name] = value(*parameter.otherwise, names);
    else throw Foreign{fmt::format("too few arguments of '{}'", function.name)};
  }
  Value result;
  ++depth_;
  run(function.body, names, result);
  --depth_;
  return result;
}

bool Evaluator::run(const std::vector<Statement>& body, Names& names, Value& result) {
  for (const Statement& statement : body)
    if (run(statement, names, result)) return true;
  return false;
}

bool Evaluator::run(const Statement& statement, Names& names, Value& result) {
  const Nested nested(nested_);
  step();
  switch (statement.kind) {
    case Statement::Kind::nothing:
      return false;
    case Statement::Kind::assign:
      assign(statement, value(statement.value, names), names);
      return false;
    case Statement::Kind::own:
      throw Foreign{"an assignment to the module itself"};
    case Statement::Kind::evaluate:
      value(statement.value, names);
      return false;
    case Statement::Kind::give_back:
      result = value(statement.value, names);
      return true;
    case Statement::Kind::branch:
      return run(truth(statement.value, names) ? statement.body : statement.otherwise, names, result);
    case Statement::Kind::repeat:
      return repeat(statement, names, result);
  }
  return false;
}

bool Evaluator::repeat(const Statement& statement, Names& names, Value& result) {
  const Value count = value(statement.value, names);
  if (!count.data.isInt()) throw Foreign{"a loop over something else than numbers"};
  for (std::int64_t i = 0; i < count.data.toInt(); ++i) {
    step();
    names[statement.targets.front()] = plain(i);
    if (run(statement.body, names, result)) return true;
  }
  return false;
}

void Evaluator::assign(const Statement& statement, Value value, Names& names) {
  if (statement.targets.size() == 1) {
    names[statement.targets.front()] = std::move(value);
    return;
  }
  std::vector<c10::IValue> items;
  if (value.data.isTuple()) items = value.data.toTupleRef().elements().vec();
  else if (value.data.isList()) items = value.data.toListRef().vec();
  if (items.size() != statement.targets.size()) throw Foreign{"an assignment of the wrong number of values"};
  for (std::size_t i = 0; i < items.size(); ++i) names[statement.targets[i]] = plain(items[i]);
}

bool Evaluator::truth(const Expression& expression, Names& names) {
  const Value condition = value(expression, names);
  if (!condition.data.isBool()) throw Foreign{"a branch that depends on values"};
  return condition.data.toBool();
}

/// A chain of lists as long as the program runs would overflow the stack when it goes. Since nothing but values without
/// parts is ever appended, a list is as deep as it was when it was made.
void Evaluator::require_shallow(const c10::IValue& item, int depth) {
  constexpr int deepest = 8;
  if (!item.isList() && !item.isTuple()) return;
  if (depth >= deepest) throw Foreign{"lists nested too deeply"};
  const auto items = item.isList() ? item.toListRef() : item.toTupleRef().elements().asArrayRef();
  step(items.size());
  for (const c10::IValue& part : items) require_shallow(part, depth + 1);
}

/// What an operator gives, counted.
c10::IValue Evaluator::measured(c10::IValue value) {
  if (value.isList()) step(value.toListRef().size());
  return value;
}

Value Evaluator::value(const Expression& expression, Names& names) {
  const Nested nested(nested_);
  return evaluated(expression, names);
}

Value Evaluator::evaluated(const Expression& expression, Names& names) {
  switch (expression.kind) {
    case Code::none:
      return {};
    case Code::boolean:
      return plain(expression.integer != 0);
    case Code::integer:
      return plain(expression.integer);
    case Code::real:
      return plain(expression.real);
    case Code::text:
      return plain(expression.text);
    case Code::name: {
      const auto found = names.find(expression.text);
      if (found == names.end()) throw Foreign{fmt::format("an unknown name '{}'", expression.text.substr(0, 80))};
      return found->second;
    }
    case Code::attribute: {
      const std::string path = expression.path();
      if (path.starts_with("__torch__.")) {
        const auto function = program_.functions.find(path);
        if (function == program_.functions.end()) throw Foreign{fmt::format("'{}'", path)};
        return {{}, {}, &function->second};
      }
      if (path.starts_with("CONSTANTS.c")) {
        std::size_t index = 0;
        std::from_chars(path.data() + 11, path.data() + path.size(), index);
        if (index >= constants_.size()) throw Foreign{fmt::format("an unknown constant '{}'", path)};
        return plain(constants_[index]);
      }
      return attribute(value(expression.items.front(), names), expression.text);
    }
    case Code::element:
      return element(expression, names);
    case Code::call:
      return called(expression, names);
    case Code::list:
    case Code::tuple: {
      std::vector<c10::IValue> items;
      for (const Expression& item : expression.items) {
        items.push_back(value(item, names).data);
        step();
        require_shallow(items.back(), 1);
      }
      if (expression.kind == Code::list) return plain(generic_list(items));
      return plain(c10::ivalue::Tuple::create(std::move(items)));
    }
    case Code::negative: {
      const Value number = value(expression.items.front(), names);
      if (number.data.isDouble()) return plain(-number.data.toDouble());
      if (!number.data.isInt() || number.data.toInt() == INT64_MIN)
        throw Foreign{"a minus before something else than a number"};
      return plain(-number.data.toInt());
    }
  }
  return {};
}

Value Evaluator::attribute(const Value& owner, const std::string& name) {
  if (owner.object) {
    const auto found = owner.object->attributes.find(name);
    if (found != owner.object->attributes.end()) return found->second;
    for (const auto& [constant, expression] : owner.object->type->constants) {
      Names none;
      if (constant == name) return value(expression, none);
    }
  }
  throw Foreign{fmt::format("an unknown attribute '{}'", name.substr(0, 80))};
}

Value Evaluator::element(const Expression& expression, Names& names) {
  if (expression.items.size() != 2) throw Foreign{"an element of an element"};
  const Value list = value(expression.items[0], names), place = value(expression.items[1], names);
  if (!list.data.isTuple()) return plain(compute("aten::__getitem__", {{list.data, place.data}, {}}, most_work_));
  const auto& items = list.data.toTupleRef().elements();
  const auto count = static_cast<std::int64_t>(items.size());
  if (!place.data.isInt()) throw Foreign{"an element by something else than a number"};
  const std::int64_t index = place.data.toInt() + (place.data.toInt() < 0 ? count : 0);
  if (index < 0 || index >= count) throw Foreign{"an element beyond the end"};
  return plain(items[static_cast<std::size_t>(index)]);
}

Arguments Evaluator::arguments(const Expression& call, Names& names) {
  Arguments result;
  for (std::size_t i = 1; i < call.items.size(); ++i) result.values.push_back(value(call.items[i], names).data);
  for (const auto& [name, expression] : call.named) result.named.emplace_back(name, value(expression, names).data);
  return result;
}

Value Evaluator::run_function(const Function& function, const Value* self, const Expression& call_, Names& names) {
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> named;
  if (self) values.push_back(*self);
  for (std::size_t i = 1; i < call_.items.size(); ++i) values.push_back(value(call_.items[i], names));
  for (const auto& [name, expression] : call_.named) named.emplace_back(name, value(expression, names));
  return call(function, std::move(values), std::move(named));
}

Value Evaluator::called(const Expression& expression, Names& names) {
  const Expression& callee = expression.items.front();
  if (callee.kind == Code::name && is_builtin(callee.text) && !names.contains(callee.text))
    return called_builtin(callee.text, expression, names);
  if (const std::string name = operator_name(callee.path()); !name.empty()) {
    step();
    return plain(measured(compute(name, arguments(expression, names), most_work_)));
  }
  if (callee.kind == Code::attribute && !callee.path().starts_with("__torch__.")) {
    const Value self = value(callee.items.front(), names);
    const Function* method = self.object ? find_method(*self.object->type, callee.text) : nullptr;
    if (!method) throw Foreign{fmt::format("'.{}()'", callee.text.substr(0, 80))};
    return run_function(*method, &self, expression, names);
  }
  const Value function = value(callee, names);
  if (!function.function) throw Foreign{"a call of something else than a function"};
  return run_function(*function.function, nullptr, expression, names);
}

/// annotate(TYPE, value), unchecked_cast(TYPE, value), uninitialized(TYPE), getattr(module, "0"), int(number) ...
Value Evaluator::called_builtin(const std::string& name, const Expression& expression, Names& names) {
  const bool pair = expression.items.size() == 3;
  if (name == "uninitialized") return {};
  if (name == "annotate" || name == "unchecked_cast") {
    if (!pair) throw Foreign{fmt::format("'{}' of the wrong number of values", name)};
    return value(expression.items[2], names);
  }
  if (name == "getattr") {
    if (!pair || expression.items[2].kind != Code::text) throw Foreign{"'getattr' without a name"};
    return attribute(value(expression.items[1], names), expression.items[2].text);
  }
  return plain(compute_builtin(name, arguments(expression, names)));
}

}  // namespace ganvas::script
