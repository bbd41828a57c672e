#include "commands/sweep_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ganvas/core/json_line.hpp"

namespace ganvas::cli {

namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

void print_json(const Json& line) { fmt::print("{}\n", json_line(line)); }

/// Columns as wide as they need, numbers to the right; the last one is text and ends where it ends.
void print_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) line += fmt::format("{:>{}}  ", row[i], widths[i]);
    line += row.back();
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

Json values_json(const Assignments& values) {
  Json json = Json::object();
  for (const auto& [key, value] : values) {
    const Json parsed = Json::parse(value, nullptr, false);
    json[key] = parsed.is_number() || parsed.is_boolean() ? parsed : Json(value);
  }
  return json;
}

Row head(const Sweep& sweep, Row first, const std::string& last) {
  for (const auto& range : sweep.plan.ranges) first.push_back(range.key);
  first.push_back(last);
  return first;
}

std::string text_of(const std::optional<double>& value) { return value ? fmt::format("{:.6g}", *value) : "-"; }

/// Mean and sample deviation.
struct Spread {
  std::size_t count = 0;
  double mean = 0, deviation = 0;
};

Spread spread_of(const std::vector<SweepResult>& repeats) {
  std::vector<double> values;
  for (const auto& repeat : repeats)
    if (repeat.value) values.push_back(*repeat.value);
  Spread spread{.count = values.size()};
  for (const double value : values) spread.mean += value / static_cast<double>(values.size());
  for (const double value : values) spread.deviation += (value - spread.mean) * (value - spread.mean);
  spread.deviation = values.size() > 1 ? std::sqrt(spread.deviation / static_cast<double>(values.size() - 1)) : 0;
  return spread;
}

std::string state_of(const Sweep& sweep, const SweepResult& latest) {
  if (!latest.value) return "failed";
  return latest.rung + 1 == static_cast<int>(sweep.rungs.size()) ? "all steps" : "stopped";
}

void print_ranking_json(const Sweep& sweep, const SweepState& state) {
  int rank = 0;
  for (const auto& [latest] : state.standing.ranking()) {
    Json line{{"rank", ++rank}, {"trial", latest.trial}};
    line[sweep.plan.metric] = latest.value ? Json(*latest.value) : Json(nullptr);
    line["steps"] = latest.steps;
    line["rung"] = latest.rung + 1;
    line["state"] = state_of(sweep, latest);
    line["values"] = values_json(sweep.plan.values_of(latest.trial));
    if (!latest.value) line["failure"] = latest.failure;
    print_json(line);
  }
  const auto best = state.standing.best();
  Json repeats = Json::array();
  for (const auto& repeat : state.repeats) repeats.push_back(repeat.value ? Json(*repeat.value) : Json(nullptr));
  const Spread spread = spread_of(state.repeats);
  Json whole{{"finished", state.finished},
             {"trials", sweep.plan.trials},
             {"best", best ? Json(best->trial) : Json(nullptr)},
             {"repeats", repeats}};
  if (spread.count > 0) whole["repeats_mean"] = spread.mean;
  if (spread.count > 1) whole["repeats_deviation"] = spread.deviation;
  print_json(whole);
}

}  // namespace

void print_ranking(const Sweep& sweep, const SweepState& state, bool json) {
  if (json) return print_ranking_json(sweep, state);
  std::vector<Row> rows{head(sweep, {"rank", "trial", sweep.plan.metric, "steps"}, "state")};
  int rank = 0;
  for (const auto& [latest] : state.standing.ranking()) {
    Row row{fmt::format("{}", ++rank), fmt::format("{}", latest.trial), text_of(latest.value),
            fmt::format("{}", latest.steps)};
    for (const auto& [key, value] : sweep.plan.values_of(latest.trial)) row.push_back(value);
    row.push_back(state_of(sweep, latest) + (latest.value ? "" : ": " + latest.failure));
    rows.push_back(std::move(row));
  }
  print_table(rows);
  if (state.repeats.empty()) return;
  const Spread spread = spread_of(state.repeats);
  std::string texts;
  for (const auto& repeat : state.repeats) texts += " " + (repeat.value ? text_of(repeat.value) : "failed");
  fmt::print("repeats of the best:{}", texts);
  if (spread.count > 1) fmt::print("; mean {:.6g}, standard deviation {:.3g}", spread.mean, spread.deviation);
  fmt::print("\n");
}

void print_plan(const Sweep& sweep, const std::map<int, std::string>& doomed, bool json) {
  const SweepPlan& plan = sweep.plan;
  std::vector<Row> rows{head(sweep, {"trial"}, "")};
  for (int trial = 0; trial < plan.trials; ++trial) {
    const auto reason = doomed.find(trial);
    const Assignments values = plan.values_of(trial);
    if (json) {
      Json line{{"trial", trial}, {"values", values_json(values)}};
      if (reason != doomed.end()) line["failure"] = reason->second;
      print_json(line);
      continue;
    }
    Row row{fmt::format("{}", trial)};
    for (const auto& [key, value] : values) row.push_back(value);
    row.push_back(reason == doomed.end() ? "" : "will fail: " + reason->second);
    rows.push_back(std::move(row));
  }
  if (!json) print_table(rows);

  const auto counts = plan.expected(sweep.rungs.size());
  std::int64_t total = 0, before = 0;
  Json rungs = Json::array();
  for (std::size_t i = 0; i < sweep.rungs.size(); ++i) {
    const std::int64_t more = counts[i] * (sweep.rungs[i] - before);
    if (!json)
      fmt::print("rung {}: {} trials from {} to {} steps: {} steps\n", i + 1, counts[i], before, sweep.rungs[i], more);
    rungs.push_back({{"steps", sweep.rungs[i]}, {"trials", counts[i]}, {"cost", more}});
    total += more;
    before = sweep.rungs[i];
  }
  const std::int64_t repeats = plan.repeats * sweep.rungs.back();
  total += repeats;
  if (json) return print_json({{"rungs", rungs}, {"repeats", repeats}, {"steps", total}});
  if (repeats > 0) fmt::print("{} repeats of the best: {} steps\n", plan.repeats, repeats);
  fmt::print("about {} steps in all; {} if every trial went to the end\n", total,
             plan.trials * sweep.rungs.back() + repeats);
}

}  // namespace ganvas::cli
