#include "ganvas/core/rng.hpp"

#include <bit>
#include <cmath>
#include <numbers>

namespace ganvas {

namespace {

std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) {
  for (auto& word : state_) word = split_mix(seed);
}

Rng Rng::for_item(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t mixed = seed;
  const std::uint64_t first = split_mix(mixed);
  mixed = first ^ (index * 0xd1342543de82ef95u);
  return Rng(split_mix(mixed));
}

std::uint64_t Rng::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t Rng::below(std::uint64_t count) {
  // Values beyond the largest multiple of `count` would favour small results.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % count;
  std::uint64_t value;
  do value = next();
  while (value >= limit);
  return value % count;
}

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace ganvas
