#pragma once

#include <string>

namespace ganvas::cli {

/// Prints how far a result is from what was expected, behind `label`; whether error / largest output is within the
/// tolerance.
bool report_agreement(const std::string& label, double error, double largest, double tolerance);

}  // namespace ganvas::cli
