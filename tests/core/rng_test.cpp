#include "ganvas/core/rng.hpp"

#include <cmath>
#include <set>
#include <vector>

#include "support/support.hpp"

using ganvas::Rng;

TEST_CASE("rng: published values of SplitMix64 and xoshiro256**") {
  // SplitMix64 from 1234567 (Rosetta Code's test vector) gives the state.
  CHECK(Rng(1234567).state() ==
        Rng::State{6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u});
  // xoshiro256** from 1, 2, 3, 4 (test vector of the Rust crate rand_xoshiro, made with the authors' C code).
  Rng rng;
  rng.set_state({1, 2, 3, 4});
  for (const std::uint64_t expected : std::initializer_list<std::uint64_t>{
           11520u, 0u, 1509978240u, 1215971899390074240u, 1216172134540287360u, 607988272756665600u,
           16172922978634559625u, 8476171486693032832u, 10595114339597558777u, 2904607092377533576u})
    CHECK(rng.next() == expected);
}

TEST_CASE("rng: the saved state goes on where it was, items have streams of their own") {
  Rng a(7);
  for (int i = 0; i < 100; ++i) a.normal();
  Rng b;
  b.set_state(a.state());
  for (int i = 0; i < 100; ++i) CHECK(a.next() == b.next());

  std::set<std::uint64_t> first;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (std::uint64_t index = 0; index < 500; ++index) first.insert(Rng::for_item(seed, index).next());
  CHECK(first.size() == 20 * 500);
  CHECK(Rng::for_item(3, 4).state() == Rng::for_item(3, 4).state());
}

TEST_CASE("rng: distributions") {
  constexpr int count = 200000;
  Rng rng(11);
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0;
  std::vector<int> bins(7);
  for (int i = 0; i < count; ++i) {
    const double u = rng.uniform();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u;
    squares += u * u;
    const double n = rng.normal();
    REQUIRE(std::isfinite(n));
    normal_sum += n;
    normal_squares += n * n;
    ++bins.at(rng.below(7));
  }
  // Bounds of about five standard errors.
  CHECK(std::abs(sum / count - 0.5) < 5 * 0.2887 / std::sqrt(count));
  CHECK(std::abs(squares / count - 1.0 / 3) < 5 * 0.298 / std::sqrt(count));
  CHECK(std::abs(normal_sum / count) < 5 / std::sqrt(count));
  CHECK(std::abs(normal_squares / count - 1) < 5 * std::sqrt(2.0 / count));
  for (const int bin : bins) CHECK(std::abs(bin - count / 7.0) < 5 * std::sqrt(count / 7.0));
  for (int i = 0; i < 100; ++i) CHECK(rng.below(1) == 0);
  for (int i = 0; i < 100; ++i) {
    const double u = rng.uniform(-3, -2);
    CHECK(u >= -3);
    CHECK(u < -2);
  }
  // A count just above half the range: half of all draws must be thrown away to be fair.
  constexpr std::uint64_t large = (UINT64_C(1) << 63) + 1;
  int high = 0;
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t value = rng.below(large);
    REQUIRE(value < large);
    high += value >= large / 2;
  }
  CHECK(std::abs(high - 5000) < 5 * 50);
}
