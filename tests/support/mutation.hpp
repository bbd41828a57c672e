#pragma once

#include <algorithm>
#include <iterator>
#include <random>

#include "ganvas/core/files.hpp"

namespace ganvas::test {

/// A damaged copy: bytes changed, pieces cut out, moved or repeated, the end cut off.
inline Bytes mutated(Bytes bytes, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  constexpr std::uint8_t interesting[] = {0, 1, 0x7f, 0x80, 0xff, '0', '(', '.', '{', '[', '-', '9'};
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
  return bytes;
}

}  // namespace ganvas::test
