#include "nn/script/numbers.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "ganvas/core/error.hpp"
#include "nn/script/syntax.hpp"

namespace ganvas::script {

namespace {

using c10::IValue;
using Answer = std::optional<IValue>;

constexpr std::size_t longest_list = 100'000;

[[noreturn]] void wrong(std::string_view name) {
  throw Foreign{fmt::format("'{}' with arguments that it doesn't take", name)};
}

/// A call of one of these operators.
struct NumberCall {
  std::string_view name;
  const std::vector<IValue>& values;
  const Arguments& all;

  std::size_t count() const { return values.size(); }
  const IValue& at(std::size_t i) const {
    if (i >= values.size()) wrong(name);
    return values[i];
  }
  std::int64_t whole(std::size_t i) const {
    if (at(i).isBool()) return at(i).toBool();
    if (!at(i).isInt()) wrong(name);
    return at(i).toInt();
  }
  bool truth(std::size_t i) const {
    if (!at(i).isBool()) wrong(name);
    return at(i).toBool();
  }
  c10::List<IValue> list(std::size_t i) const {
    if (!at(i).isList()) wrong(name);
    return at(i).toList();
  }
  const torch::Tensor& tensor(std::size_t i) const {
    if (!at(i).isTensor() || !at(i).toTensor().defined()) wrong(name);
    return at(i).toTensor();
  }
};

/// A number; also a constant of one whole number beside one, as traced programs write sizes.
Answer plain_number(const IValue& value) {
  if (value.isInt() || value.isDouble()) return value;
  if (value.isBool()) return IValue(std::int64_t{value.toBool()});
  return std::nullopt;
}
Answer constant_number(const IValue& value) {
  if (!value.isTensor()) return plain_number(value);
  const torch::Tensor& tensor = value.toTensor();
  if (!tensor.defined() || tensor.dim() != 0 || !tensor.device().is_cpu()) return std::nullopt;
  return tensor.is_floating_point() ? IValue(tensor.item<double>()) : IValue(tensor.item<std::int64_t>());
}

double as_real(const IValue& value) { return value.isDouble() ? value.toDouble() : static_cast<double>(value.toInt()); }

[[noreturn]] void too_large(std::string_view name) {
  throw Foreign{fmt::format("'{}' of numbers that are too large", name)};
}

std::int64_t whole_arithmetic(std::string_view name, std::string_view op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (op == "add") {
    if (__builtin_add_overflow(a, b, &result)) too_large(name);
    return result;
  }
  if (op == "sub") {
    if (__builtin_sub_overflow(a, b, &result)) too_large(name);
    return result;
  }
  if (op == "mul") {
    if (__builtin_mul_overflow(a, b, &result)) too_large(name);
    return result;
  }
  if (op == "min") return std::min(a, b);
  if (op == "max") return std::max(a, b);
  if (b == 0 || (a == INT64_MIN && b == -1)) throw Foreign{fmt::format("'{}' by {}", name, b)};
  const std::int64_t remainder = a % b, below = remainder != 0 && (remainder < 0) != (b < 0);
  if (op == "remainder") return below ? remainder + b : remainder;
  return a / b - below;  // floordiv
}

double real_arithmetic(std::string_view op, double a, double b) {
  if (op == "add") return a + b;
  if (op == "sub") return a - b;
  if (op == "mul") return a * b;
  if (op == "min") return std::min(a, b);
  if (op == "max") return std::max(a, b);
  if (op == "remainder") return a - b * std::floor(a / b);
  return std::floor(a / b);
}

/// a op b, where at least one is a number of the program's own.
Answer arithmetic(const NumberCall& call, std::string_view op) {
  if (call.count() < 2 || (!plain_number(call.at(0)) && !plain_number(call.at(1)))) return std::nullopt;
  const Answer a = constant_number(call.at(0)), b = constant_number(call.at(1));
  if (!a || !b) return std::nullopt;
  const bool scaled = call.count() > 2 || !call.all.named.empty();
  if (scaled && op != "div") {
    const IValue alpha = call.count() > 2 ? call.at(2) : call.all.named.front().second;
    if (!alpha.isInt() || alpha.toInt() != 1) wrong(call.name);
  }
  if (op == "div") {
    if (!scaled) return IValue(as_real(*a) / as_real(*b));
    const IValue mode = call.count() > 2 ? call.at(2) : call.all.named.front().second;
    if (mode.isNone()) return IValue(as_real(*a) / as_real(*b));
    if (!mode.isString() || (mode.toStringRef() != "floor" && mode.toStringRef() != "trunc")) wrong(call.name);
    if (mode.toStringRef() == "trunc" && (as_real(*a) < 0) != (as_real(*b) < 0)) wrong(call.name);
    op = "floordiv";
  }
  if (op == "rsub") return arithmetic({call.name, {*b, *a}, {}}, "sub");
  if (a->isInt() && b->isInt()) return IValue(whole_arithmetic(call.name, op, a->toInt(), b->toInt()));
  return IValue(real_arithmetic(op, as_real(*a), as_real(*b)));
}

template <typename Compared>
bool compared(std::string_view op, const Compared& a, const Compared& b) {
  if (op == "eq") return a == b;
  if (op == "ne") return a != b;
  if (op == "lt") return a < b;
  if (op == "le") return a <= b;
  if (op == "gt") return a > b;
  return a >= b;
}

std::vector<double> real_list(const NumberCall& call, std::size_t i) {
  std::vector<double> result;
  const auto list = call.list(i);
  for (std::size_t k = 0; k < list.size(); ++k) {
    const Answer number = plain_number(list.get(k));
    if (!number) wrong(call.name);
    result.push_back(as_real(*number));
  }
  return result;
}

Answer comparison(const NumberCall& call, std::string_view op) {
  const IValue &a = call.at(0), &b = call.at(1);
  if (a.isString() && b.isString()) return IValue(compared(op, a.toStringRef(), b.toStringRef()));
  if (a.isList() && b.isList()) return IValue(compared(op, real_list(call, 0), real_list(call, 1)));
  if (a.isDevice() && b.isDevice()) return IValue(a.toDevice() == b.toDevice());
  if (!plain_number(a) && !plain_number(b)) return std::nullopt;
  const Answer x = constant_number(a), y = constant_number(b);
  if (!x || !y) return std::nullopt;
  if (x->isInt() && y->isInt()) return IValue(compared(op, x->toInt(), y->toInt()));
  return IValue(compared(op, as_real(*x), as_real(*y)));
}

/// One of two, or of a list.
Answer extreme(const NumberCall& call, std::string_view op) {
  if (call.count() != 1 || !call.at(0).isList()) return arithmetic(call, op);
  const auto items = call.list(0);
  if (items.size() == 0) wrong(call.name);
  Answer best = plain_number(items.get(0));
  for (std::size_t i = 1; best && i < items.size(); ++i) best = arithmetic({call.name, {*best, items.get(i)}, {}}, op);
  return best;
}

/// A number under a function of one; whole numbers stay what they are under those that round.
Answer rounded(const NumberCall& call, double (*function)(double), bool to_whole) {
  const Answer number = plain_number(call.at(0));
  if (!number) return std::nullopt;
  if (number->isInt() && to_whole) return number;
  const double result = function(as_real(*number));
  if (!to_whole) return IValue(result);
  if (!(std::abs(result) < 9e15)) wrong(call.name);
  return IValue(static_cast<std::int64_t>(result));
}

std::int64_t place_in(std::string_view name, std::int64_t place, std::int64_t size) {
  if (place < 0) place += size;
  if (place < 0 || place >= size) throw Foreign{fmt::format("'{}' beyond the end of a list", name)};
  return place;
}

Answer size(const NumberCall& call) {
  const torch::Tensor& tensor = call.tensor(0);
  if (call.count() > 1) return IValue(tensor.size(call.whole(1)));
  std::vector<IValue> sizes;
  for (const std::int64_t side : tensor.sizes()) sizes.emplace_back(side);
  return generic_list(sizes);
}

Answer length(const NumberCall& call) {
  const IValue& value = call.at(0);
  if (value.isList()) return IValue(static_cast<std::int64_t>(value.toList().size()));
  if (value.isString()) return IValue(static_cast<std::int64_t>(value.toStringRef().size()));
  return IValue(call.tensor(0).size(0));
}

Answer append(const NumberCall& call) {
  auto list = call.list(0);
  if (list.size() >= longest_list) throw Foreign{"a list without an end"};
  if (call.at(1).isList() || call.at(1).isTuple()) throw Foreign{"a list in a list that grows"};
  list.push_back(call.at(1));
  return call.at(0);
}

Answer contains(const NumberCall& call) {
  const auto list = call.list(0);
  const IValue& wanted = call.at(1);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const IValue item = list.get(i);
    if (item.isString() && wanted.isString() && item.toStringRef() == wanted.toStringRef()) return IValue(true);
    if (item.isInt() && wanted.isInt() && item.toInt() == wanted.toInt()) return IValue(true);
  }
  return IValue(false);
}

Answer copied(const NumberCall& call) {
  const auto list = call.list(0);
  std::vector<IValue> items;
  for (std::size_t i = 0; i < list.size(); ++i) items.push_back(list.get(i));
  return generic_list(items);
}

/// list[start:end:1]
Answer part(const NumberCall& call) {
  if (!call.at(0).isList()) return std::nullopt;
  const auto list = call.list(0);
  const auto count = static_cast<std::int64_t>(list.size());
  const auto bound = [&](std::size_t i, std::int64_t otherwise) {
    if (i >= call.count() || call.at(i).isNone()) return otherwise;
    const std::int64_t place = call.whole(i);
    return std::clamp<std::int64_t>(place < 0 ? place + count : place, 0, count);
  };
  if (call.count() > 3 && call.whole(3) != 1) wrong(call.name);
  std::vector<IValue> items;
  for (std::int64_t i = bound(1, 0); i < bound(2, count); ++i) items.push_back(list.get(static_cast<std::size_t>(i)));
  return generic_list(items);
}

/// Lists one after the other.
Answer joined(const NumberCall& call) {
  if (!call.at(0).isList() || call.count() < 2 || !call.at(1).isList()) return arithmetic(call, "add");
  std::vector<IValue> items;
  for (const std::size_t which : {0, 1}) {
    const auto list = call.list(which);
    if (list.size() + items.size() > longest_list) throw Foreign{"a list without an end"};
    for (std::size_t i = 0; i < list.size(); ++i) items.push_back(list.get(i));
  }
  return generic_list(items);
}

Answer range_length(const NumberCall& call) {
  const std::int64_t low = call.whole(0), high = call.whole(1), step = call.whole(2);
  constexpr std::int64_t most = std::int64_t{1} << 40;
  if (step == 0 || std::max({std::abs(low), std::abs(high), std::abs(step)}) > most) wrong(call.name);
  if (step > 0) return IValue(low < high ? (high - low + step - 1) / step : std::int64_t{0});
  return IValue(low > high ? (low - high - step - 1) / -step : std::int64_t{0});
}

Answer derive_index(const NumberCall& call) {
  const std::int64_t offset = whole_arithmetic(call.name, "mul", call.whole(0), call.whole(2));
  return IValue(whole_arithmetic(call.name, "add", call.whole(1), offset));
}

Answer device(const NumberCall& call) {
  if (!call.at(0).isString()) return IValue(call.tensor(0).device());
  return IValue(c10::Device(c10::kCPU));
}

/// A type by its number in LibTorch, which looks it up without asking.
torch::ScalarType type_of(const NumberCall& call, const IValue& number) {
  if (!number.isInt() || !is_plain_type(number.toInt())) wrong(call.name);
  return static_cast<torch::ScalarType>(number.toInt());
}

/// torch.tensor of numbers.
Answer tensor(const NumberCall& call) {
  auto type = torch::kFloat;
  for (const auto& [name, value] : call.all.named)
    if (name == "dtype" && value.isInt()) type = type_of(call, value);
  const bool typed = !call.all.named.empty();
  const IValue& value = call.at(0);
  if (const Answer number = plain_number(value)) {
    if (!typed && number->isInt()) type = torch::kLong;
    return IValue(torch::scalar_tensor(number->toScalar(), type));
  }
  const std::vector<double> numbers = real_list(call, 0);
  const auto list = value.toList();
  if (!typed && list.size() > 0 && list.get(0).isInt()) type = torch::kLong;
  return IValue(torch::tensor(numbers, torch::kDouble).to(type));
}

/// Of a number: the number as this type.
Answer to(const NumberCall& call) {
  const Answer number = plain_number(call.at(0));
  if (!number) return std::nullopt;
  for (std::size_t i = 1; i < call.count(); ++i) {
    if (!call.at(i).isInt()) continue;
    return c10::isFloatingType(type_of(call, call.at(i))) ? IValue(as_real(*number)) : *number;
  }
  return number;
}

Answer unchanged(const NumberCall& call) { return plain_number(call.at(0)); }

Answer raise(const NumberCall& call) {
  fail(ErrorKind::model, "the program says: {}",
       call.at(0).isString() ? call.at(0).toStringRef().substr(0, 200) : "no");
}

Answer is_one(const NumberCall& call) {
  // Programs compare with None only.
  if (!call.at(0).isNone() && !call.at(1).isNone()) wrong(call.name);
  return IValue(call.at(0).isNone() && call.at(1).isNone());
}

using Method = Answer (*)(const NumberCall&);

const std::map<std::string_view, Method>& number_operators() {
  static const std::map<std::string_view, Method> known{
      {"aten::size", size},
      {"aten::len", length},
      {"aten::append", append},
      {"aten::list", copied},
      {"aten::__contains__", contains},
      {"aten::__getitem__",
       [](const NumberCall& c) {
         const auto list = c.list(0);
         return Answer(
             list.get(static_cast<std::size_t>(place_in(c.name, c.whole(1), static_cast<std::int64_t>(list.size())))));
       }},
      {"aten::slice", part},
      {"aten::add", joined},
      {"aten::sub", [](const NumberCall& c) { return arithmetic(c, "sub"); }},
      {"aten::rsub", [](const NumberCall& c) { return arithmetic(c, "rsub"); }},
      {"aten::mul", [](const NumberCall& c) { return arithmetic(c, "mul"); }},
      {"aten::div", [](const NumberCall& c) { return arithmetic(c, "div"); }},
      {"aten::floordiv", [](const NumberCall& c) { return arithmetic(c, "floordiv"); }},
      {"aten::floor_divide", [](const NumberCall& c) { return arithmetic(c, "floordiv"); }},
      {"aten::remainder", [](const NumberCall& c) { return arithmetic(c, "remainder"); }},
      {"prim::min", [](const NumberCall& c) { return extreme(c, "min"); }},
      {"prim::max", [](const NumberCall& c) { return extreme(c, "max"); }},
      {"aten::eq", [](const NumberCall& c) { return comparison(c, "eq"); }},
      {"aten::ne", [](const NumberCall& c) { return comparison(c, "ne"); }},
      {"aten::lt", [](const NumberCall& c) { return comparison(c, "lt"); }},
      {"aten::le", [](const NumberCall& c) { return comparison(c, "le"); }},
      {"aten::gt", [](const NumberCall& c) { return comparison(c, "gt"); }},
      {"aten::ge", [](const NumberCall& c) { return comparison(c, "ge"); }},
      {"aten::__is__", is_one},
      {"aten::__isnot__", [](const NumberCall& c) { return Answer(!is_one(c)->toBool()); }},
      {"aten::__not__", [](const NumberCall& c) { return Answer(!c.truth(0)); }},
      {"aten::__and__",
       [](const NumberCall& c) { return c.at(0).isBool() ? Answer(c.truth(0) && c.truth(1)) : std::nullopt; }},
      {"aten::__or__",
       [](const NumberCall& c) { return c.at(0).isBool() ? Answer(c.truth(0) || c.truth(1)) : std::nullopt; }},
      {"aten::__range_length", range_length},
      {"aten::__derive_index", derive_index},
      {"aten::floor", [](const NumberCall& c) { return rounded(c, std::floor, true); }},
      {"aten::ceil", [](const NumberCall& c) { return rounded(c, std::ceil, true); }},
      {"aten::round", [](const NumberCall& c) { return rounded(c, std::nearbyint, true); }},
      {"aten::sqrt", [](const NumberCall& c) { return rounded(c, std::sqrt, false); }},
      {"aten::neg",
       [](const NumberCall& c) {
         return plain_number(c.at(0)) ? arithmetic({c.name, {std::int64_t{0}, c.at(0)}, {}}, "sub") : std::nullopt;
       }},
      {"prim::abs",
       [](const NumberCall& c) {
         return plain_number(c.at(0))
                    ? extreme({c.name, {c.at(0), *arithmetic({c.name, {std::int64_t{0}, c.at(0)}, {}}, "sub")}, {}},
                              "max")
                    : std::nullopt;
       }},
      {"aten::dim", [](const NumberCall& c) { return Answer(c.tensor(0).dim()); }},
      {"aten::numel", [](const NumberCall& c) { return Answer(c.tensor(0).numel()); }},
      {"aten::is_floating_point", [](const NumberCall& c) { return Answer(c.tensor(0).is_floating_point()); }},
      {"prim::dtype", [](const NumberCall& c) { return Answer(static_cast<std::int64_t>(c.tensor(0).scalar_type())); }},
      {"prim::device", device},
      {"aten::device", device},
      {"prim::NumToTensor", unchanged},
      {"aten::to", to},
      {"aten::detach", unchanged},
      {"aten::clone", unchanged},
      {"aten::tensor", tensor},
      {"prim::unchecked_unwrap_optional", [](const NumberCall& c) { return Answer(c.at(0)); }},
      {"aten::is_grad_enabled", [](const NumberCall&) { return Answer(false); }},
      {"aten::format", [](const NumberCall& c) { return Answer(c.at(0)); }},
      {"prim::data", [](const NumberCall& c) { return Answer(c.tensor(0)); }},
      {"aten::warn", [](const NumberCall&) { return Answer(IValue()); }},
      {"prim::RaiseException", raise},
  };
  return known;
}

}  // namespace

bool is_plain_type(std::int64_t type) {
  // Written out: 8 to 10 are complex, 12 to 14, 16 and 17 quantised.
  constexpr torch::ScalarType plain[] = {torch::kByte, torch::kChar,  torch::kShort,  torch::kInt,  torch::kLong,
                                         torch::kHalf, torch::kFloat, torch::kDouble, torch::kBool, torch::kBFloat16};
  return std::ranges::any_of(plain, [&](torch::ScalarType known) { return static_cast<std::int64_t>(known) == type; });
}

bool is_number_operator(std::string_view name) { return number_operators().contains(name); }

std::optional<IValue> compute_number(std::string_view name, const Arguments& arguments) {
  const auto found = number_operators().find(name);
  if (found == number_operators().end()) return std::nullopt;
  return found->second({name, arguments.values, arguments});
}

bool is_builtin(std::string_view name) {
  for (const char* known : {"int", "float", "bool", "annotate", "unchecked_cast", "uninitialized", "getattr"})
    if (name == known) return true;
  return false;
}

IValue compute_builtin(const std::string& name, Arguments arguments) {
  if (arguments.values.size() != 1) wrong(name);
  const IValue& value = arguments.values.front();
  if (value.isTensor()) throw Foreign{fmt::format("'{}' of a tensor: what it does depends on values", name)};
  if (name == "float" && value.isString()) {
    const std::string& text = value.toStringRef();
    if (text == "inf") return HUGE_VAL;
    if (text == "-inf") return -HUGE_VAL;
    if (text == "nan") return std::nan("");
  }
  const Answer number = plain_number(value);
  if (!number) wrong(name);
  if (name == "float") return as_real(*number);
  if (name == "bool") return as_real(*number) != 0;
  if (number->isInt()) return *number;
  if (!(std::abs(number->toDouble()) < 9e15)) wrong(name);
  return static_cast<std::int64_t>(number->toDouble());
}

}  // namespace ganvas::script
