#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nn/script/operators.hpp"

namespace ganvas::script {

/// Operators on numbers, texts and lists, which LibTorch's interpreter has of its own: sizes, comparisons, arithmetic
/// with checks for overflow and division by zero.
bool is_number_operator(std::string_view name);
/// Whether the number stands for a type of plain numbers: neither complex nor quantised, nor none at all.
bool is_plain_type(std::int64_t type);
/// Nothing where the arguments are tensors or the operator is another one.
std::optional<c10::IValue> compute_number(std::string_view name, const Arguments& arguments);

}  // namespace ganvas::script
