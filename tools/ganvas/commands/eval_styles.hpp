#pragma once

#include "commands/options/eval.hpp"

namespace ganvas::cli {

/// `eval --style`: every picture in every style. Gives the exit code.
int run_eval_styles(const EvalRequest& request);

}  // namespace ganvas::cli
