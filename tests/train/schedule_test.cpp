#include "ganvas/train/schedule.hpp"

#include <cmath>
#include <numbers>

#include "ganvas/core/error.hpp"
#include "support/support.hpp"

using namespace ganvas;
using Kind = Schedule::Kind;

TEST_CASE("schedules against closed forms") {
  constexpr std::int64_t steps = 1000;
  Schedule constant, cosine, multistep, linear;
  constant.steps = cosine.steps = multistep.steps = linear.steps = steps;
  cosine.kind = Kind::cosine;
  cosine.floor = 0.1;
  multistep.kind = Kind::multistep;
  multistep.gamma = 0.3;
  multistep.milestones = {200, 500, 501};
  linear.kind = Kind::linear;
  linear.decay_from = 400;
  for (std::int64_t step = 0; step < steps; ++step) {
    CAPTURE(step);
    const double t = static_cast<double>(step);
    CHECK(constant.factor(step) == 1);
    // cos^2(x/2) = (1 + cos x) / 2
    CHECK(cosine.factor(step) == doctest::Approx(0.1 + 0.9 * std::pow(std::cos(std::numbers::pi * t / 2000), 2)));
    const int passed = (step >= 200) + (step >= 500) + (step >= 501);
    CHECK(multistep.factor(step) == doctest::Approx(std::pow(0.3, passed)));
    CHECK(linear.factor(step) == doctest::Approx(step <= 400 ? 1 : (1000 - t) / 600));
  }
  // Ends and what lies beyond them.
  CHECK(cosine.factor(steps) == doctest::Approx(0.1));
  CHECK(cosine.factor(steps + 50) == doctest::Approx(0.1));
  CHECK(linear.factor(steps) == 0);
  CHECK(linear.factor(steps + 50) == 0);
  Schedule never = linear;
  never.decay_from = steps;
  CHECK(never.factor(steps - 1) == 1);

  // Warm-up grows to the schedule's own value and never starts at nothing.
  Schedule warm = cosine;
  warm.warm_up = 100;
  for (std::int64_t step = 0; step < steps; ++step)
    CHECK(warm.factor(step) ==
          doctest::Approx(cosine.factor(step) * std::min(1.0, static_cast<double>(step + 1) / 100)));
  CHECK(warm.factor(0) > 0);
  CHECK(warm.factor(99) == cosine.factor(99));
}

TEST_CASE("schedules from recipes: defaults by the length of the run, bounds, keys that don't belong") {
  const auto read = [](const std::string& keys) {
    Recipe recipe = Recipe::parse("[o]\n" + keys, "r.toml");
    const Schedule schedule = Schedule::from_recipe(recipe, "o", 400);
    recipe.check_all_read();
    return schedule;
  };
  CHECK((read("").kind == Kind::cosine));
  CHECK(read("").steps == 400);
  CHECK((read("schedule = \"multistep\"").milestones == std::vector<std::int64_t>{200, 300}));
  CHECK((read("schedule = \"multistep\"\nmilestones = [7]\ngamma = 0.1").milestones == std::vector<std::int64_t>{7}));
  CHECK(read("schedule = \"linear\"").decay_from == 200);
  CHECK(read("schedule = \"constant\"\nwarm_up = 400").warm_up == 400);
  for (const char* wrong :
       {"schedule = \"cosinus\"", "warm_up = -1", "floor = 1.5", "schedule = \"multistep\"\ngamma = 2",
        "schedule = \"linear\"\ndecay_from = 500", "schedule = \"constant\"\nfloor = 0.1", "gamma = 0.5",
        "schedule = \"linear\"\nmilestones = [1]"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(read(wrong), Error);
  }
}
