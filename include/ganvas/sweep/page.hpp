#pragma once

#include "ganvas/sweep/worker.hpp"

namespace ganvas {

/// Writes report.html into the sweep's folder: ranked table, best so far, parameters against the metric, curves over
/// the rungs, repeats, and the best recipe once it is known.
void write_sweep_report(const Sweep& sweep, const SweepFolder& folder, const SweepState& state);

}  // namespace ganvas
