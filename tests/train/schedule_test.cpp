#include "ganvas/train/schedule.hpp"

#include <cmath>
#include <numbers>

#include "ganvas/core/annealed.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/train/trainer.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
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
  CHECK(read("schedule = \"linear\"\ndecay_from = 5000").decay_from ==
        400);  // no decay, like milestones behind the end
  CHECK(read("schedule = \"constant\"\nwarm_up = 400").warm_up == 400);
  for (const char* wrong :
       {"schedule = \"cosinus\"", "warm_up = -1", "floor = 1.5", "schedule = \"multistep\"\ngamma = 2",
        "schedule = \"linear\"\ndecay_from = -1", "schedule = \"constant\"\nfloor = 0.1", "gamma = 0.5",
        "schedule = \"linear\"\nmilestones = [1]"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(read(wrong), Error);
  }
}

TEST_CASE(
    "annealed numbers: half a cosine from one end to the other, then still, and a recipe that says none keeps them") {
  Recipe recipe = Recipe::parse("[a]\nup = 1.0\ndown = 2.0\n[anneal]\na.up = 3.0\na.down = 0.2\n", "a.toml");
  const auto read = [&](const char* key) { return Annealed::from_recipe(recipe, key, 7, 0, 10, 8.5); };
  const Annealed up = read("a.up"), down = read("a.down"), still = read("a.still");
  recipe.check_all_read();
  for (std::int64_t step = 0; step <= 20; ++step) {
    CAPTURE(step);
    const double left = std::pow(std::cos(std::numbers::pi * std::min(1.0, static_cast<double>(step) / 8.5) / 2), 2);
    CHECK(up.at(step) == doctest::Approx(3.0 - 2.0 * left));
    CHECK(down.at(step) == doctest::Approx(0.2 + 1.8 * left));
    CHECK(still.at(step) == 7);
  }
  CHECK(up.at(20) == 3.0);
  CHECK(up.most() == 3.0);
  CHECK(down.most() == 2.0);
  CHECK(down.times(10).at(20) == doctest::Approx(2.0));
  CHECK_FALSE(still.moves());
  // What a run writes down is what it was told: no key for what stays.
  const Recipe written = Recipe::parse(recipe.resolved(), "resolved");
  CHECK(written.has("anneal.a.up"));
  CHECK_FALSE(written.has("anneal.a.still"));
  CHECK(recipe.differences_from(recipe.resolved()).empty());
  Recipe other = Recipe::parse("[a]\nup = 1.0\ndown = 2.0\n[anneal]\na.up = 3.0\n", "a.toml");
  for (const char* key : {"a.up", "a.down", "a.still"}) Annealed::from_recipe(other, key, 7, 0, 10, 8.5);
  const auto differences = other.differences_from(recipe.resolved());
  REQUIRE(differences.size() == 1);
  CHECK(differences[0].text() == "anneal.a.down: 0.2 there, nothing here");
}

TEST_CASE("annealed numbers of recipes: what can't move, what moves twice, and a time without a number") {
  const auto with = [](const std::vector<std::string>& overrides) {
    return refusal(ErrorKind::recipe, [&] {
      Recipe recipe = Recipe::parse("task = \"mixture\"\n[discriminator]\narchitecture = \"mlp\"\n", "moving.toml");
      for (const auto& assignment : overrides) recipe.set(assignment);
      resolve_recipe(recipe);
    });
  };
  CHECK(with({"anneal.regulariser.r1=1", "anneal.train.ema_kimg=5", "train.ema="}) == "was accepted");
  CHECK(with({"anneal.optimiser.generator.lr=1e-5", "optimiser.generator.schedule=constant"}) == "was accepted");
  says(with({"anneal.optimiser.generator.lr=1e-5"}), {"anneal.optimiser.generator.lr", "schedule", "constant"});
  says(with({"anneal.regulariser.r3=1"}), {"anneal.regulariser.r3", "did you mean anneal.regulariser.r"});
  says(with({"anneal.train.batch=1"}), {"anneal.train.batch", "unknown key"});
  says(with({"anneal.regulariser.r1=-1"}), {"anneal.regulariser.r1", "-1"});
  says(with({"anneal.kimg=5"}), {"anneal.kimg", "what is to move"});
  says(with({"augment.policy=color", "augment.adaptive=true", "anneal.augment.probability=0.5"}),
       {"augment.adaptive", "anneal.augment.probability"});
  // Without an adversary its numbers can't move either.
  Recipe alone = Recipe::parse("[anneal]\nregulariser.r1 = 1\n", "alone.toml");
  says(refusal(ErrorKind::recipe, [&] { resolve_recipe(alone); }), {"anneal.regulariser.r1", "adversarial.on"});
}
