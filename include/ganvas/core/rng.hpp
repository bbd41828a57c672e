#pragma once

#include <array>
#include <cstdint>

namespace ganvas {

/// xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64. Not for secrets. The same on every machine,
/// unlike the distributions of <random>; its state is four words, saved in checkpoints.
class Rng {
 public:
  using State = std::array<std::uint64_t, 4>;

  explicit Rng(std::uint64_t seed = 0);
  /// A generator of its own for item `index` of stream `seed`: what a data worker draws doesn't depend on which
  /// thread it is or on what was drawn before.
  static Rng for_item(std::uint64_t seed, std::uint64_t index);

  std::uint64_t next();
  /// [0, 1), 53 bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// {0, ..., count - 1}, unbiased; count >= 1.
  std::uint64_t below(std::uint64_t count);
  /// Standard normal (Box-Muller, no cached second value).
  double normal();

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  State state_;
};

}  // namespace ganvas
