#pragma once

#include "commands/options/eval.hpp"

namespace ganvas::cli {

/// `eval --fid`: two folders as wholes, without partners. Gives the exit code.
int run_eval_sets(const EvalRequest& request);

}  // namespace ganvas::cli
