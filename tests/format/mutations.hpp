#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"

namespace ganvas::test {

/// Feeds damaged copies of `good` to `read`: bytes changed, pieces cut out, moved or repeated, the end cut off. The
/// same ones in every run. Anything but success or an Error of one line fails the test case.
inline void for_each_mutation(const Bytes& good, int count, const std::function<void(const Bytes&)>& read) {
  std::mt19937 random(20);
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  constexpr std::uint8_t interesting[] = {0, 1, 0x7f, 0x80, 0xff, '0', '(', '.', '{', '[', '-', '9'};
  int accepted = 0, refused = 0;
  for (int i = 0; i < count; ++i) {
    Bytes bytes = good;
    for (std::size_t change = 0, changes = 1 + below(3); change < changes && !bytes.empty(); ++change) {
      const std::size_t place = below(bytes.size()), length = below(std::min<std::size_t>(bytes.size() - place, 24));
      const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(place);
      switch (below(6)) {
        case 0:
          bytes[place] ^= static_cast<std::uint8_t>(1u << below(8));
          break;
        case 1:
          bytes[place] = interesting[below(std::size(interesting))];
          break;
        case 2:
          bytes[place] = static_cast<std::uint8_t>(random());
          break;
        case 3:
          bytes.erase(from, from + static_cast<std::ptrdiff_t>(length));
          break;
        case 4: {
          const Bytes piece(from, from + static_cast<std::ptrdiff_t>(length));
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())), piece.begin(), piece.end());
          break;
        }
        default:
          if (below(4) == 0) bytes.resize(place);
          else std::fill_n(from, std::min<std::size_t>(length, 8), 0xff);
      }
    }
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
