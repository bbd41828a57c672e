#include "report/run_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/lower_case.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/core/recipe.hpp"
#include "report/page_frame.hpp"

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace ganvas {

namespace {

constexpr std::size_t max_recipe = 64 << 10;

struct RecipeFacts {
  std::string text;
  std::int64_t steps = 0;
  Json facts = Json::array();  ///< [name, value]
};

/// The recipe as the run resolved it; what can't be read is left out.
RecipeFacts read_facts(const fs::path& run) {
  RecipeFacts result;
  try {
    const Bytes bytes = read_file(run / "recipe.toml", max_recipe);
    result.text.assign(bytes.begin(), bytes.end());
    Recipe recipe = Recipe::parse(result.text, "recipe.toml");
    result.steps = recipe.integer("train.steps", 0);
    const std::vector<std::pair<std::string, std::string>> wanted{{"task", "train.task"},
                                                                  {"generator", "generator.architecture"},
                                                                  {"scale", "generator.scale"},
                                                                  {"discriminator", "discriminator.architecture"},
                                                                  {"adversarial loss", "adversarial.loss"},
                                                                  {"batch", "train.batch"},
                                                                  {"crop", "data.crop"},
                                                                  {"learning rate", "optimiser.generator.lr"},
                                                                  {"precision", "train.precision"},
                                                                  {"seed", "train.seed"}};
    for (const auto& [label, key] : wanted)
      if (recipe.has(key)) result.facts.push_back({label, recipe.text(key, "")});
  } catch (const Error&) {
  }
  return result;
}

struct ChartPlace {
  std::string section, chart;
  std::string label;  ///< of the curve there
};

/// Where a scalar is drawn: what has the same unit shares a chart.
ChartPlace place_of(const std::string& kind, const std::string& name) {
  if (kind == "validation") return {"Validation", name, name};
  const auto last_dot = name.rfind('.');
  const std::string before_last = name.substr(0, last_dot);
  const std::string last_part = last_dot == std::string::npos ? name : name.substr(last_dot + 1);
  const std::vector<std::string> signals{"diversity", "separation", "loss_ratio", "augment", "probability"};
  if (kind == "monitor" || std::find(signals.begin(), signals.end(), last_part) != signals.end())
    return {"Collapse signals", last_part, before_last};
  if (kind != "train") return {kind, name, name};
  if (last_part == "rate") return {"Optimisers", "learning rates", before_last};
  if (last_part == "gradient_norm") return {"Optimisers", "gradient norms", before_last};
  const auto dot = name.find('.');
  if (dot != std::string::npos && dot > 0 && dot + 1 < name.size())
    return {"Losses", name.substr(0, dot), name.substr(dot + 1)};
  return {"Losses", "losses", name};
}

Json value_json(const Curve::Value& value) { return {value.step, short_number(value.value)}; }

Json curve_json(const std::string& kind, const std::string& name, const Curve& curve) {
  Json points = Json::array();
  for (const auto& point : curve.points()) {
    // A single value needs no band.
    Json row{point.first, point.last, short_number(point.mean())};
    if (point.count > 1) row.insert(row.end(), {short_number(point.low), short_number(point.high)});
    points.push_back(std::move(row));
  }
  Json json{{"name", name}, {"points", std::move(points)}};
  if (!curve.empty()) {
    json["latest"] = value_json(curve.latest());
    if (kind == "validation") {
      const bool smaller = smaller_is_better(name);
      json["best"] = value_json(smaller ? curve.lowest() : curve.highest());
      json["smaller"] = smaller;
    }
  }
  if (curve.not_finite() > 0) json["not_finite"] = {curve.not_finite(), curve.first_not_finite()};
  return json;
}

/// Sections in a fixed order, in them charts in the order of their curves' names.
Json sections_json(const RunState& state) {
  constexpr std::size_t per_chart = 8;
  std::vector<std::string> order{"Losses", "Validation", "Collapse signals", "Optimisers"};
  std::map<std::string, std::vector<std::pair<std::string, Json>>> sections;
  for (const auto& [key, curve] : state.curves()) {
    const ChartPlace place = place_of(key.first, key.second);
    if (std::find(order.begin(), order.end(), place.section) == order.end()) order.push_back(place.section);
    auto& charts = sections[place.section];
    const auto free = std::find_if(charts.begin(), charts.end(), [&](const auto& chart) {
      return chart.first == place.chart && chart.second.size() < per_chart;
    });
    Json json = curve_json(key.first, place.label, curve);
    if (free != charts.end()) free->second.push_back(std::move(json));
    else charts.emplace_back(place.chart, Json::array({std::move(json)}));
  }
  Json result = Json::array();
  for (const auto& section : order) {
    Json charts = Json::array();
    for (const auto& [title, curves] : sections[section]) charts.push_back({{"title", title}, {"curves", curves}});
    if (!charts.empty()) result.push_back({{"title", section}, {"charts", std::move(charts)}});
  }
  return result;
}

Json events_json(const RunState& state) {
  Json events = Json::array();
  for (const auto& event : state.events())
    events.push_back({event.step, event.signal, short_number(event.value), event.action, event.text});
  return events;
}

Json samples_json(const SampleStore& samples, PictureTable& pictures) {
  Json steps = Json::array();
  for (const auto& [step, rows] : samples.shown()) {
    Json row_list = Json::array();
    for (const auto& row : rows) {
      Json cells = Json::array();
      std::vector<std::string> names;
      for (const auto& cell : row.cells) {
        cells.push_back({cell.name, pictures.number_of(cell.uri)});
        names.push_back(cell.name);
      }
      row_list.push_back({{"name", row.name}, {"over_time", shown_over_time(names)}, {"cells", std::move(cells)}});
    }
    steps.push_back({{"step", step}, {"rows", std::move(row_list)}});
  }
  return steps;
}

Json status_json(const RunState& state, const RecipeFacts& recipe) {
  const std::int64_t left = recipe.steps - state.step();
  const bool finished = recipe.steps > 0 && left <= 0;
  Json status{{"step", state.step()}, {"steps", recipe.steps}, {"finished", finished}};
  const double speed = state.steps_per_second();
  if (speed > 0) {
    status["speed"] = short_number(speed);
    if (left > 0) status["left"] = format_duration(static_cast<double>(left) / speed);
  }
  if (state.wait_share() > 0) status["wait_share"] = short_number(state.wait_share());
  return status;
}

}  // namespace

bool smaller_is_better(const std::string& figure) {
  const std::string lower = lower_case(figure);
  for (const char* part : {"lpips", "dists", "fid", "kid", "niqe", "loss", "error", "mse", "mae", "distance"})
    if (lower.find(part) != std::string::npos) return true;
  return lower == "l1" || lower == "l2";
}

std::string run_page(const fs::path& run, const std::string& title, const RunState& state, const SampleStore& samples) {
  const RecipeFacts recipe = read_facts(run);
  PictureTable pictures;
  Json data{{"title", title},
            {"status", status_json(state, recipe)},
            {"facts", recipe.facts},
            {"recipe", recipe.text},
            {"sections", sections_json(state)},
            {"left_out", state.scalars_left_out()},
            {"events", events_json(state)},
            {"event_count", state.event_count()}};
  data["samples"] = samples_json(samples, pictures);
  data["pictures"] = pictures.json();
  return html_page(title, data, {"common.js", "slider.js", "chart.js", "run.js"});
}

}  // namespace ganvas
