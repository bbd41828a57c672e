#include "ganvas/core/numpy_random.hpp"

#include <cmath>

namespace ganvas {

double NumpyRandom::uniform() {
  const std::uint64_t high = twister_() >> 5, low = twister_() >> 6;
  return (static_cast<double>(high) * 67108864.0 + static_cast<double>(low)) / 9007199254740992.0;
}

double NumpyRandom::normal() {
  if (kept_) {
    const double value = *kept_;
    kept_.reset();
    return value;
  }
  double x = 0, y = 0, square = 0;
  do {
    x = 2.0 * uniform() - 1.0;
    y = 2.0 * uniform() - 1.0;
    square = x * x + y * y;
  } while (square >= 1.0 || square == 0.0);
  const double factor = std::sqrt(-2.0 * std::log(square) / square);
  kept_ = factor * x;
  return factor * y;
}

}  // namespace ganvas
