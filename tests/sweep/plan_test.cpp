#include "ganvas/sweep/plan.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

SweepPlan plan_of(const std::string& text) {
  Recipe file = Recipe::parse("recipe = \"mixture\"\n" + text, "s.toml");
  return SweepPlan::read(file);
}

/// One range of the given fields.
SweepRange range_of(const std::string& fields) { return plan_of("[range.a.b]\n" + fields).ranges.at(0); }

double number_of(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

/// Largest distance between the distribution of `samples` in [0, 1] and the uniform one (Kolmogorov and Smirnov).
double distance_from_uniform(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  double distance = 0;
  const auto count = static_cast<double>(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i)
    distance = std::max({distance, std::abs(samples[i] - static_cast<double>(i) / count),
                         std::abs(samples[i] - static_cast<double>(i + 1) / count)});
  return distance;
}

}  // namespace

TEST_CASE("sweep: a trial's values follow from the seed and its number alone") {
  const std::string text =
      "trials = 50\n[range.train]\nbatch = [8, 16, 32]\n[range.optimiser.generator.lr]\n"
      "distribution = \"log-uniform\"\nmin = 1e-5\nmax = 1e-1\n";
  const SweepPlan one = plan_of(text), same = plan_of(text), other = plan_of("seed = 2\n" + text);
  std::vector<Assignments> forwards, backwards;
  for (int trial = 0; trial < 50; ++trial) forwards.push_back(one.values_of(trial));
  for (int trial = 49; trial >= 0; --trial) backwards.insert(backwards.begin(), same.values_of(trial));
  CHECK(forwards == backwards);
  CHECK(std::set<Assignments>(forwards.begin(), forwards.end()).size() == 50);
  int equal = 0;
  for (int trial = 0; trial < 50; ++trial) equal += other.values_of(trial) == forwards[static_cast<std::size_t>(trial)];
  CHECK(equal == 0);
  for (const auto& values : forwards) {  // sorted by key, each value in its range
    REQUIRE(values.size() == 2);
    CHECK(values[0].first == "optimiser.generator.lr");
    CHECK(values[1].first == "train.batch");
    CHECK(std::set<std::string>{"8", "16", "32"}.contains(values[1].second));
  }
}

TEST_CASE("sweep: uniform and log-uniform values are what they are called") {
  constexpr int count = 4000;
  const double critical = 1.95 / std::sqrt(count);  // passed by chance 999 times of 1000; the seed is fixed
  for (const bool logarithmic : {false, true}) {
    const std::string kind = logarithmic ? "log-uniform" : "uniform";
    CAPTURE(kind);
    const SweepPlan plan =
        plan_of("trials = 4000\n[range.a.b]\ndistribution = \"" + kind + "\"\nmin = 0.0003\nmax = 0.3\n");
    std::vector<double> shares;
    for (int trial = 0; trial < count; ++trial) {
      const double value = number_of(plan.values_of(trial).at(0).second);
      CHECK(value >= 0.0003);
      CHECK(value <= 0.3);
      shares.push_back(logarithmic ? std::log(value / 0.0003) / std::log(1000.0) : (value - 0.0003) / 0.2997);
    }
    CHECK(distance_from_uniform(shares) < critical);
    // Four digits, so that a table shows what ran.
    CHECK(plan.values_of(7).at(0).second.size() <= 10);
  }
}

TEST_CASE("sweep: integers come with their ends, their step, and evenly") {
  std::map<std::string, int> seen;
  const SweepRange range = range_of("distribution = \"integer\"\nmin = 8\nmax = 33\nstep = 8\n");
  for (int i = 0; i < 1000; ++i) ++seen[range.at(i / 1000.0)];
  CHECK(seen == std::map<std::string, int>{{"8", 250}, {"16", 250}, {"24", 250}, {"32", 250}});

  seen.clear();
  const SweepRange powers = range_of("distribution = \"log-integer\"\nmin = 1\nmax = 3\n");
  for (int i = 0; i < 10000; ++i) ++seen[powers.at(i / 10000.0)];
  REQUIRE(seen.size() == 3);
  for (int value = 1; value <= 3; ++value)  // the share of ln(k) .. ln(k + 1)
    CHECK(seen[std::to_string(value)] / 1e4 ==
          doctest::Approx(std::log((value + 1.0) / value) / std::log(4.0)).epsilon(0.001));
  CHECK(powers.at(0.9999999999999999) == "3");
}

TEST_CASE("sweep: a grid has every combination once") {
  const SweepPlan plan = plan_of(
      "method = \"grid\"\n[range.train]\nbatch = [8, 16]\n[range.generator]\nwidths = [\"[64, 32]\", \"[8]\"]\n"
      "[range.optimiser.generator.lr]\ndistribution = \"log-uniform\"\nmin = 1e-4\nmax = 1e-2\ncount = 3\n");
  CHECK(plan.trials == 12);
  std::set<Assignments> seen;
  std::set<std::string> rates;
  for (int trial = 0; trial < 12; ++trial) {
    seen.insert(plan.values_of(trial));
    rates.insert(plan.values_of(trial).at(1).second);
  }
  CHECK(seen.size() == 12);
  CHECK(rates == std::set<std::string>{"0.0001", "0.001", "0.01"});
  Recipe recipe;
  for (const auto& [key, value] : plan.values_of(0)) recipe.set(key + "=" + value);
  CHECK(recipe.integers("generator.widths", {}) == std::vector<std::int64_t>{64, 32});
}

TEST_CASE("sweep: rungs are at validations, rise by the factor and end with the recipe") {
  const std::string range = "[range.a]\nb = [1, 2]\n";
  using Steps = std::vector<std::int64_t>;
  const auto rungs = [&](const std::string& table, std::int64_t steps, std::int64_t every) {
    return plan_of(range + table).rungs(steps, every, "s.toml");
  };
  CHECK(rungs("[rungs]\nfirst = 10\n", 160, 5) == Steps{10, 40, 160});
  CHECK(rungs("[rungs]\nfirst = 10\nfactor = 2\n", 70, 10) == Steps{10, 20, 40, 70});
  CHECK(rungs("[rungs]\nsteps = [20, 50]\n", 70, 10) == Steps{20, 50, 70});
  CHECK(rungs("[rungs]\nfirst = 70\n", 70, 10) == Steps{70});
  CHECK(rungs("", 20000, 1000) == Steps{2000, 8000, 20000});
  CHECK(rungs("", 100, 1000) == Steps{100});
  CHECK(rungs("[rungs]\nfirst = 9223372036854775807\n", INT64_MAX, 1) == Steps{INT64_MAX});
  const auto refused = [&](const std::string& table) {
    return refusal(ErrorKind::recipe, [&] { rungs(table, 100, 10); });
  };
  says(refused("[rungs]\nfirst = 200\n"), {"s.toml", "rungs.first", "200", "train.steps = 100"});
  says(refused("[rungs]\nsteps = [10, 300]\n"), {"rungs.steps", "300"});
  says(refused("[rungs]\nfirst = 7\n"), {"no validation after 7 steps", "validate_every"});
  CHECK(plan_of("trials = 12\n" + range).expected(3) == std::vector<int>{12, 3, 1});
}

TEST_CASE("sweep: what is wrong with the file is named in one line") {
  const std::string fine = "[range.a]\nb = [1, 2]\n";
  using Case = std::pair<std::string, std::vector<const char*>>;
  for (const auto& [text, parts] : std::vector<Case>{
           {"", {"range"}},
           {"[range.a]\nb = []\n", {"range.a.b", "empty"}},
           {"[range.a]\nb = 3\n", {"range.a.b", "list"}},
           {"[range.a]\nb = [1, 2, 1]\n", {"range.a.b", "1 twice"}},
           {"[range.a.b]\nmin = 1\nmax = 2\n", {"range.a.b", "distribution", "log-uniform"}},
           {"[range.a.b]\ndistribution = \"normal\"\nmin = 1\nmax = 2\n", {"range.a.b", "normal", "uniform"}},
           {"[range.a.b]\ndistribution = \"uniform\"\nmin = 1\n", {"range.a.b", "max is missing"}},
           {"[range.a.b]\ndistribution = \"uniform\"\nmin = 3\nmax = 2\n", {"min = 3", "above max = 2"}},
           {"[range.a.b]\ndistribution = \"uniform\"\nmin = 2\nmax = 2\n", {"the same"}},
           {"[range.a.b]\ndistribution = \"uniform\"\nmin = \"x\"\nmax = 2\n", {"min = x", "number"}},
           {"[range.a.b]\ndistribution = \"log-uniform\"\nmin = 0\nmax = 2\n", {"range.a.b", "min = 0", "above 0"}},
           {"[range.a.b]\ndistribution = \"log-integer\"\nmin = 0\nmax = 2\n", {"above 0"}},
           {"[range.a.b]\ndistribution = \"integer\"\nmin = 1.5\nmax = 2\n", {"min = 1.5", "whole"}},
           {"[range.a.b]\ndistribution = \"integer\"\nmin = 1\nmax = 3\nstep = 9\n", {"step = 9"}},
           {"[range.a.b]\ndistribution = \"uniform\"\nmin = 1\nmax = 3\ncount = 9\n", {"count", "means nothing"}},
           {"[range.a.b]\nvalues = [1, 2]\nmin = 1\n", {"min means nothing"}},
           {"[range.train]\nsteps = [1, 2]\n", {"train.steps", "same in all trials"}},
           {"[set.a]\nb = 1\n" + fine, {"a.b", "[set]", "[range]"}},
           {"trials = 0\n" + fine, {"trials", "0"}},
           {"trails = 3\n" + fine, {"trails", "did you mean trials"}},
           {"method = \"bayes\"\n" + fine, {"method", "random, grid"}},
           {"method = \"grid\"\ntrials = 3\n" + fine, {"trials", "grid"}},
           {"method = \"grid\"\n[range.a.b]\ndistribution = \"integer\"\nmin = 1\nmax = 99999\n", {"grid", "10000"}},
           {"metric = \"psnr_y\"\n" + fine, {"goal is missing", "psnr_y"}},
           {"goal = \"minimise\"\n" + fine, {"goal", "score"}},
           {fine + "[rungs]\nfirst = 1\nsteps = [2]\n", {"rungs.first", "rungs.steps", "exclude"}},
           {fine + "[rungs]\nsteps = [5, 5]\n", {"rungs.steps", "5"}},
           {fine + "[rungs]\nfirst = 0\n", {"rungs.first"}},
           {fine + "[rungs]\nfactor = 1\n", {"rungs.factor"}},
           {"seed = \"x\"\n" + fine, {"seed", "x"}},
           {"repeats = -1\n" + fine, {"repeats", "-1"}},
       }) {
    CAPTURE(text);
    const std::string message = refusal(ErrorKind::recipe, [&] { plan_of(text); });
    CAPTURE(message);
    CHECK(message.starts_with("s.toml: "));
    for (const char* part : parts) {
      CAPTURE(part);
      CHECK(message.find(part) != std::string::npos);
    }
  }
  says(refusal(ErrorKind::recipe,
               [&] {
                 Recipe file = Recipe::parse(fine, "s.toml");
                 SweepPlan::read(file);
               }),
       {"recipe is missing"});
  refusal(ErrorKind::recipe, [] { plan_of("this is {no} TOML"); });
}
