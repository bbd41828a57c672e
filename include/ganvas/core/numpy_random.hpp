#pragma once

#include <cstdint>
#include <optional>
#include <random>

namespace ganvas {

/// The stream of normal numbers that Python's numpy.random.RandomState(seed).randn() gives, with which published code
/// draws its noise: the same seed then gives the same picture. Mersenne Twister, doubles of 53 bits, the polar method
/// of Marsaglia and Bray (1964) in numpy's legacy order.
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : twister_(seed) {}
  double normal();

 private:
  /// [0, 1), 53 bits.
  double uniform();

  std::mt19937 twister_;
  std::optional<double> kept_;  ///< the second number of a pair
};

}  // namespace ganvas
