#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string_view>

#include "ganvas/core/error.hpp"
#include "support/mutation.hpp"

namespace ganvas::test {

/// Feeds damaged copies of `good` to `read`, the same ones in every run. Anything but success or an Error of one line
/// fails the test case.
inline void for_each_mutation(const Bytes& good, int count, const std::function<void(const Bytes&)>& read) {
  std::mt19937 random(20);
  int accepted = 0, refused = 0;
  for (int i = 0; i < count; ++i) {
    const Bytes bytes = mutated(good, random);
    try {
      read(bytes);
      ++accepted;
    } catch (const Error& error) {
      ++refused;
      CHECK_MESSAGE(std::string_view(error.what()).find('\n') == std::string_view::npos, error.what());
    }
  }
  CHECK(accepted > 0);
  CHECK(refused > 0);
}

}  // namespace ganvas::test
