#include "commands/agreement.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace ganvas::cli {

bool report_agreement(const std::string& label, double error, double largest, double tolerance) {
  const double ratio = error / std::max(largest, 1e-30);
  const bool good = std::isfinite(ratio) && ratio <= tolerance;
  fmt::print("{}max_abs_error {:.3e}  ratio {:.3e}  {}\n", label, error, ratio, good ? "ok" : "over tolerance");
  return good;
}

}  // namespace ganvas::cli
