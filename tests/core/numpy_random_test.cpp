// Against numbers that numpy itself gave.
#include "ganvas/core/numpy_random.hpp"

#include <doctest/doctest.h>

using ganvas::NumpyRandom;

TEST_CASE("numpy's normal numbers: the published values of seeds 0 and 42") {
  NumpyRandom zero(0);
  for (const double expected : {1.76405235, 0.40015721, 0.97873798, 2.2408932})
    CHECK(zero.normal() == doctest::Approx(expected).epsilon(1e-8));
  NumpyRandom answer(42);
  for (const double expected : {0.49671415, -0.1382643, 0.64768854})
    CHECK(answer.normal() == doctest::Approx(expected).epsilon(1e-7));
}
