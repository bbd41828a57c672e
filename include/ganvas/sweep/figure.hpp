#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace ganvas {

/// The best value of a validation's figure up to `steps`, from a run's log.jsonl. NaN where no validation has a finite
/// one. Throws Error(recipe) that lists the figures there are where none has that name.
double best_figure(const std::filesystem::path& log, const std::string& name, bool larger_is_better,
                   std::int64_t steps);

}  // namespace ganvas
