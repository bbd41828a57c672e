#pragma once

#include <map>
#include <string>

#include "ganvas/sweep/worker.hpp"

namespace ganvas::cli {

/// The ranked table of a sweep on standard output; with `json` a line a trial, and a last one with the whole.
void print_ranking(const Sweep& sweep, const SweepState& state, bool json);
/// The trials with their values, why some can't begin, and what all cost in steps.
void print_plan(const Sweep& sweep, const std::map<int, std::string>& doomed, bool json);

}  // namespace ganvas::cli
