#pragma once

#include <torch/types.h>

#include <vector>

#include "ganvas/core/rng.hpp"
#include "support/support.hpp"

namespace ganvas::test {

/// Standard normal, double.
inline torch::Tensor random_rows(std::int64_t count, std::int64_t features, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<double> values(static_cast<std::size_t>(count * features));
  for (double& value : values) value = rng.normal();
  return torch::tensor(values, torch::kDouble).reshape({count, features});
}

/// Numbers of a formula that a script in any language can repeat: with i from 1 and j from 0,
/// ((7 i^2 + (3 + seed) i j + 5 j^2 + seed i) mod 23) / 4, plus j mod 3 where the seed is 2.
inline torch::Tensor formula_rows(std::int64_t count, std::int64_t features, std::int64_t seed) {
  std::vector<double> values;
  for (std::int64_t i = 1; i <= count; ++i)
    for (std::int64_t j = 0; j < features; ++j)
      values.push_back(static_cast<double>((7 * i * i + (3 + seed) * i * j + 5 * j * j + seed * i) % 23) / 4 +
                       static_cast<double>(seed == 2 ? j % 3 : 0));
  return torch::tensor(values, torch::kDouble).reshape({count, features});
}

}  // namespace ganvas::test
