#pragma once

#include <ATen/core/ivalue.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ganvas::script {

struct Arguments {
  std::vector<c10::IValue> values;
  std::vector<std::pair<std::string, c10::IValue>> named;
};

/// "torch.conv2d" -> "aten::conv2d", "ops.prim.min" -> "prim::min"; empty for all else.
std::string operator_name(std::string_view path);
/// Whether programs may name the operator. The list holds what networks compute with: no files, processes, random
/// numbers or output, nothing that reads or writes memory outside of its tensors.
bool is_operator(std::string_view name);
/// Functions without a module: int(), annotate() and their kin.
bool is_builtin(std::string_view name);

/// Computes an operator of the list. Throws Foreign where it isn't known for these arguments, Error(model) where the
/// program raises an exception, and what LibTorch throws. `most_work`: multiplications (work.hpp) that one operator may
/// take, since none of LibTorch's can be interrupted.
c10::IValue compute(const std::string& name, Arguments arguments, double most_work);
c10::IValue compute_builtin(const std::string& name, Arguments arguments);

c10::IValue generic_list(const std::vector<c10::IValue>& items);

}  // namespace ganvas::script
