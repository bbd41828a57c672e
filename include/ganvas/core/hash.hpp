#pragma once

#include <cstdint>

namespace ganvas {

/// FNV-1a of 64 bits (Fowler, Noll and Vo) of a range of bytes: to notice a change, not to withstand an attack.
template <typename Bytes>
std::uint64_t fnv1a(const Bytes& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

}  // namespace ganvas
