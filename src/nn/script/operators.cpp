#include "nn/script/operators.hpp"

#include <torch/csrc/jit/runtime/operator.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <set>

#include "ganvas/core/error.hpp"
#include "nn/script/numbers.hpp"
#include "nn/script/syntax.hpp"
#include "nn/script/work.hpp"

namespace ganvas::script {

namespace {

using c10::IValue;
using c10::TypeKind;

/// What LibTorch computes. Left out besides what reaches outside: everything random, sparse, quantised or by raw
/// strides, and writing to places given as numbers.
const std::set<std::string_view>& tensor_operators() {
  static const std::set<std::string_view> names{
      // convolutions, linear maps
      "_convolution", "conv1d", "conv2d", "conv_transpose2d", "linear", "matmul", "bmm", "addmm", "baddbmm", "mm",
      // norms and means
      "batch_norm", "instance_norm", "layer_norm", "group_norm", "mean", "var", "std", "sum", "norm", "amax", "amin",
      "softmax", "log_softmax", "argmax", "cumsum", "prod", "frobenius_norm", "linalg_vector_norm",
      // activations
      "relu", "relu_", "relu6", "relu6_", "leaky_relu", "leaky_relu_", "prelu", "elu", "elu_", "selu", "celu", "silu",
      "silu_", "gelu", "mish", "sigmoid", "sigmoid_", "tanh", "tanh_", "hardtanh", "hardtanh_", "hardsigmoid",
      "hardsigmoid_", "hardswish", "hardswish_", "softplus", "softsign", "log_sigmoid", "glu",
      // arithmetic
      "add", "add_", "sub", "sub_", "rsub", "mul", "mul_", "div", "div_", "neg", "abs", "exp", "log", "sqrt", "rsqrt",
      "square", "reciprocal", "pow", "sin", "cos", "erf", "floor", "ceil", "round", "sign", "clamp", "clamp_",
      "clamp_min", "clamp_min_", "clamp_max", "clamp_max_", "maximum", "minimum", "max", "min", "floor_divide",
      "remainder", "addcmul", "addcdiv", "lerp", "where", "masked_fill", "masked_fill_", "eq", "ne", "lt", "le", "gt",
      "ge", "logical_and", "logical_or", "logical_not", "__and__", "__or__",
      // shapes
      "view", "reshape", "flatten", "unflatten", "permute", "transpose", "t", "contiguous", "unsqueeze", "squeeze",
      "expand", "expand_as", "view_as", "reshape_as", "repeat", "cat", "stack", "chunk", "split", "split_with_sizes",
      "unbind", "slice", "select", "narrow", "roll", "flip", "movedim", "index_select", "index", "tile",
      "repeat_interleave", "swapaxes", "adjoint", "clone", "detach", "alias", "to", "type_as", "float", "dropout",
      "dropout_", "feature_dropout", "dropout2d", "identity",
      // pictures
      "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "upsample_nearest1d", "upsample_nearest2d",
      "upsample_bilinear2d", "upsample_bicubic2d", "_upsample_nearest_exact2d", "_upsample_bilinear2d_aa",
      "_upsample_bicubic2d_aa", "adaptive_avg_pool2d", "avg_pool2d", "max_pool2d", "adaptive_max_pool2d", "pad",
      "constant_pad_nd", "reflection_pad2d", "replication_pad2d", "reflection_pad1d",
      // new ones
      "zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "arange", "tensor", "scalar_tensor", "new_zeros",
      "new_ones", "new_full"};
  return names;
}

/// Names that occur in branches that are never taken: known, but not computed.
const std::set<std::string_view>& idle_operators() {
  static const std::set<std::string_view> names{"aten::upsample_linear1d",
                                                "aten::upsample_trilinear3d",
                                                "aten::upsample_nearest3d",
                                                "aten::_upsample_nearest_exact1d",
                                                "aten::_upsample_nearest_exact3d",
                                                "aten::adaptive_avg_pool1d",
                                                "aten::adaptive_avg_pool3d",
                                                "aten::reflection_pad3d",
                                                "aten::replication_pad1d",
                                                "aten::replication_pad3d",
                                                "aten::is_scripting",
                                                "aten::conv3d",
                                                "aten::has_torch_function"};
  return names;
}

template <typename Element>
IValue typed_list(const c10::List<IValue>& items, const std::function<Element(const IValue&)>& element) {
  c10::List<Element> result;
  for (std::size_t i = 0; i < items.size(); ++i) result.push_back(element(items.get(i)));
  return result;
}

bool fits(const IValue& value, const c10::Type& type, bool lenient);

bool list_fits(const IValue& value, const c10::Type& element, bool lenient) {
  if (!value.isList()) return lenient && element.kind() == TypeKind::IntType && value.isInt();
  const auto items = value.toList();
  for (std::size_t i = 0; i < items.size(); ++i)
    if (!fits(items.get(i), element, lenient)) return false;
  return true;
}

/// Whether a value may stand for an argument; `lenient`: after a conversion.
bool fits(const IValue& value, const c10::Type& type, bool lenient) {
  switch (type.kind()) {
    case TypeKind::TensorType:
      return value.isTensor() || (lenient && value.isScalar());
    case TypeKind::IntType:
      return value.isInt();
    case TypeKind::FloatType:
      return value.isDouble() || (lenient && value.isInt());
    case TypeKind::NumberType:
      return value.isScalar();
    case TypeKind::BoolType:
      return value.isBool();
    case TypeKind::StringType:
      return value.isString();
    case TypeKind::DeviceObjType:
      return value.isDevice();
    case TypeKind::OptionalType:
      return value.isNone() || fits(value, *type.containedType(0), lenient);
    case TypeKind::ListType:
      return list_fits(value, *type.containedType(0), lenient);
    default:  // dozens of others, which no operator of the list takes
      return false;
  }
}

torch::Tensor as_tensor(const IValue& value) {
  return value.isTensor() ? value.toTensor() : torch::scalar_tensor(value.toScalar());
}

/// The value as the type wants it; it fits.
IValue converted(const IValue& value, const c10::Type& type, std::size_t wanted) {
  switch (type.kind()) {
    case TypeKind::TensorType:
      return as_tensor(value);
    case TypeKind::FloatType:
      return value.isInt() ? static_cast<double>(value.toInt()) : value;
    case TypeKind::OptionalType:
      return value.isNone() ? value : converted(value, *type.containedType(0), wanted);
    case TypeKind::ListType:
      break;
    default:
      return value;
  }
  if (value.isInt())
    return c10::List<std::int64_t>(std::vector<std::int64_t>(std::max<std::size_t>(wanted, 1), value.toInt()));
  const c10::List<IValue> items = value.toList();
  const c10::Type& element = *type.containedType(0);
  switch (element.kind()) {
    case TypeKind::TensorType:
      return typed_list<torch::Tensor>(items, as_tensor);
    case TypeKind::IntType:
      return typed_list<std::int64_t>(items, [](const IValue& item) { return item.toInt(); });
    case TypeKind::FloatType:
      return typed_list<double>(items, [](const IValue& item) { return item.toScalar().toDouble(); });
    case TypeKind::BoolType:
      return typed_list<bool>(items, [](const IValue& item) { return item.toBool(); });
    case TypeKind::OptionalType:
      return typed_list<c10::optional<torch::Tensor>>(items, [](const IValue& item) {
        return item.isNone() ? c10::optional<torch::Tensor>() : c10::optional<torch::Tensor>(as_tensor(item));
      });
    default:
      throw Foreign{"a list of values of an odd type"};
  }
}

/// The arguments in the schema's order; nothing where they don't fit.
std::optional<torch::jit::Stack> matched(const c10::FunctionSchema& schema, const Arguments& given, bool lenient) {
  if (schema.is_vararg() || given.values.size() > schema.arguments().size()) return std::nullopt;
  torch::jit::Stack stack;
  std::size_t used = 0;
  for (std::size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    const IValue* value = nullptr;
    if (i < given.values.size() && !argument.kwarg_only()) value = &given.values[i];
    for (const auto& [name, other] : given.named)
      if (!value && name == argument.name()) value = &other, ++used;
    if (!value) {
      if (!argument.default_value()) return std::nullopt;
      stack.push_back(*argument.default_value());
      continue;
    }
    if (!fits(*value, *argument.type(), lenient)) return std::nullopt;
    stack.push_back(converted(*value, *argument.type(), static_cast<std::size_t>(argument.N().value_or(1))));
  }
  const bool all = used == given.named.size();
  return all ? std::optional(stack) : std::nullopt;
}

std::vector<std::int64_t> whole_numbers(const IValue& value) {
  if (value.isInt()) return {value.toInt()};
  if (value.isIntList()) return value.toIntVector();
  return {};
}

std::vector<double> real_numbers(const IValue& value) {
  if (value.isDouble()) return {value.toDouble()};
  if (value.isDoubleList()) return value.toDoubleVector();
  return {};
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw Foreign{fmt::format("'{}' with {}", name, why)};
}

/// Numbers that LibTorch takes for what they stand for, looked up without asking.
void check_meaning(const std::string& name, const std::string& argument, const IValue& value) {
  const bool number = value.isInt();
  constexpr std::int64_t strided = 0, channels_last = 2;
  if ((argument == "dtype" && number && !is_plain_type(value.toInt())) ||
      (argument == "layout" && number && value.toInt() != strided) ||
      (argument == "memory_format" && number && (value.toInt() < 0 || value.toInt() > channels_last)) ||
      (argument == "pin_memory" && value.isBool() && value.toBool()))
    refuse(name, fmt::format("an odd {}", argument));
  // A second opinion on what follows from the other arguments.
  if (name == "aten::repeat_interleave" && argument == "output_size" && !value.isNone()) refuse(name, argument);
}

/// Kernels go to the places that the scales say, as far as the size goes.
void check_scales(const std::string& name, const c10::FunctionSchema& schema, const torch::jit::Stack& stack) {
  const auto size = schema.argumentIndexWithName("output_size");
  if (!size || !stack[0].isTensor() || !stack[static_cast<std::size_t>(*size)].isIntList()) return;
  const std::vector<std::int64_t> sides = stack[static_cast<std::size_t>(*size)].toIntVector();
  const torch::Tensor& input = stack[0].toTensor();
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const auto index = schema.argumentIndexWithName(sides.size() == 1 ? "scales" : i == 0 ? "scales_h" : "scales_w");
    if (!index || !stack[static_cast<std::size_t>(*index)].isDouble()) continue;
    const std::int64_t axis = input.dim() - static_cast<std::int64_t>(sides.size() - i);
    const double from_scale =
        axis < 0 ? 0 : static_cast<double>(input.size(axis)) * stack[static_cast<std::size_t>(*index)].toDouble();
    if (!(std::abs(from_scale - static_cast<double>(sides[i])) <= 1)) refuse(name, "a scale that isn't the size's");
  }
}

/// What LibTorch's operators leave unchecked, or check in some of their implementations only.
void check_values(const std::string& name, const c10::FunctionSchema& schema, const torch::jit::Stack& stack) {
  bool floating = false;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    const std::string& argument = schema.arguments()[i].name();
    if (stack[i].isTensor()) {
      const torch::Tensor& tensor = stack[i].toTensor();
      floating |= tensor.defined() && tensor.is_floating_point();
      if (i == 0 && name.ends_with("_norm") && name != "aten::layer_norm" && tensor.dim() < 2)
        refuse(name, "a tensor of one axis");
    }
    check_meaning(name, argument, stack[i]);
    const std::int64_t least = argument == "stride" || argument == "dilation" || argument == "groups" ||
                                       argument == "num_groups" || argument == "kernel_size"
                                   ? 1
                               : argument == "padding" || argument == "output_padding" ? 0
                                                                                       : -(std::int64_t{1} << 31);
    for (const std::int64_t number : whole_numbers(stack[i]))
      if (number < least || (number > std::int64_t{1} << 31 && name != "aten::slice"))
        refuse(name, fmt::format("{} = {}", argument, number));
    constexpr double largest_factor = 1024;
    for (const double number : real_numbers(stack[i]))
      if (name.find("upsample") != name.npos && !(number >= 1 / largest_factor && number <= largest_factor))
        refuse(name, fmt::format("{} = {}", argument, number));
  }
  if (name.find("upsample") != name.npos) check_scales(name, schema, stack);
  // Some trap, some are a thousand times slower than those of floats.
  static const std::set<std::string_view> of_floats{"aten::remainder", "aten::floor_divide", "aten::div", "aten::div_",
                                                    "aten::matmul",    "aten::mm",           "aten::bmm", "aten::addmm",
                                                    "aten::baddbmm",   "aten::linear"};
  if (of_floats.contains(name) && !floating) refuse(name, "tensors of integers");
}

IValue result_of(torch::jit::Stack& stack) {
  if (stack.size() == 1) {
    IValue& only = stack.front();
    if (only.isTensorList()) {
      std::vector<IValue> items;
      for (const torch::Tensor& tensor : only.toTensorVector()) items.emplace_back(tensor);
      return generic_list(items);
    }
    return only;
  }
  return c10::ivalue::Tuple::create(std::vector<IValue>(stack.begin(), stack.end()));
}

bool gives_tensors(const c10::FunctionSchema& schema) {
  for (const c10::Argument& result : schema.returns()) {
    const bool list = result.type()->kind() == TypeKind::ListType;
    if ((list ? result.type()->containedType(0) : result.type())->kind() != TypeKind::TensorType) return false;
  }
  return !schema.returns().empty();
}

/// By the first of LibTorch's overloads that the arguments fit.
IValue dispatched(const std::string& name, const Arguments& arguments, double most_work) {
  const auto& candidates = torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name));
  for (const bool lenient : {false, true})
    for (const auto& candidate : candidates) {
      const c10::FunctionSchema& schema = candidate->schema();
      if (!gives_tensors(schema)) continue;
      auto stack = matched(schema, arguments, lenient);
      if (!stack) continue;
      check_values(name, schema, *stack);
      if (work_of(name, schema, *stack) > most_work)
        throw Foreign{fmt::format("'{}' of more work than pictures need", name)};
      candidate->getOperation()(*stack);
      return result_of(*stack);
    }
  throw Foreign{fmt::format("'{}' with arguments that it doesn't take", name)};
}

}  // namespace

std::string operator_name(std::string_view path) {
  if (path.starts_with("torch.") && path.find('.', 6) == path.npos) return "aten::" + std::string(path.substr(6));
  if (!path.starts_with("ops.")) return {};
  path.remove_prefix(4);
  const auto dot = path.find('.');
  if (dot == path.npos) return {};
  return std::string(path.substr(0, dot)) + "::" + std::string(path.substr(dot + 1));
}

bool is_operator(std::string_view name) {
  if (is_number_operator(name) || idle_operators().contains(name)) return true;
  return name.starts_with("aten::") && tensor_operators().contains(name.substr(6));
}

IValue compute(const std::string& name, Arguments arguments, double most_work) {
  if (auto result = compute_number(name, arguments)) return *result;
  if (!name.starts_with("aten::") || !tensor_operators().contains(std::string_view(name).substr(6)))
    throw Foreign{fmt::format("'{}'", name)};
  return dispatched(name, arguments, most_work);
}

IValue generic_list(const std::vector<IValue>& items) {
  c10::List<IValue> result(c10::AnyType::get());
  for (const IValue& item : items) result.push_back(item);
  return result;
}

}  // namespace ganvas::script
