#pragma once

#include <filesystem>
#include <string>

#include "report/run_state.hpp"
#include "report/sample_store.hpp"

namespace ganvas {

/// report.html of a run, from what its folder holds.
std::string run_page(const std::filesystem::path& run, const std::string& title, const RunState& state,
                     const SampleStore& samples);

/// Whether smaller values of a validation figure are better: losses and distances.
bool smaller_is_better(const std::string& figure);

}  // namespace ganvas
