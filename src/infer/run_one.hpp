#pragma once

#include <functional>

#include "infer/batch_report.hpp"

namespace ganvas {

/// Does one file's work: what it throws is that file's failure and no one else's, and stands in the outcome, in the
/// words of `explain` (see BatchWork) where there are any. The time is added to the outcome's. False when the user
/// interrupted it.
bool run_one(BatchOutcome& outcome, const std::function<std::string(const Error&)>& explain,
             const std::function<void()>& work);

}  // namespace ganvas
