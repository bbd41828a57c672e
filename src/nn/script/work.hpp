#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/stack.h>

#include <string>

namespace ganvas::script {

/// About how many multiplications an operator takes, for those that take more than a few for each value that they read
/// or write: convolutions, products of matrices, pools. 0 for all others, which are as dear as their memory is large.
double work_of(const std::string& name, const c10::FunctionSchema& schema, const torch::jit::Stack& stack);

}  // namespace ganvas::script
