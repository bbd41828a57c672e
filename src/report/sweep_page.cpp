#include "ganvas/report/sweep_page.hpp"

#include <nlohmann/json.hpp>

#include "ganvas/core/files.hpp"
#include "report/page_frame.hpp"

using Json = nlohmann::ordered_json;

namespace ganvas {

namespace {

Json points_json(const std::vector<std::pair<std::int64_t, double>>& points) {
  Json list = Json::array();
  for (const auto& [steps, value] : points) list.push_back({steps, short_number(value)});
  return list;
}

Json value_json(const std::optional<double>& value) { return value ? short_number(*value) : Json(nullptr); }

Json trial_json(const SweepPage::Trial& trial) {
  return {{"number", trial.number},
          {"values", trial.values},
          {"value", value_json(trial.value)},
          {"judged", points_json(trial.judged)},
          {"failure", trial.failure},
          {"steps", trial.steps},
          {"seconds", short_number(trial.seconds)},
          {"at_end", trial.at_end}};
}

}  // namespace

void write_sweep_page(const SweepPage& page, const std::filesystem::path& file) {
  Json data{{"title", page.title},        {"metric", page.metric},     {"larger", page.larger_is_better},
            {"finished", page.finished},  {"trials", page.trials},     {"facts", page.facts},
            {"recipe", page.best_recipe}, {"pictures", Json::array()}, {"best", points_json(page.best_so_far)}};
  for (const auto& parameter : page.parameters)
    data["parameters"].push_back({{"key", parameter.key},
                                  {"list", parameter.is_list},
                                  {"log", parameter.logarithmic},
                                  {"names", parameter.names}});
  data["ranked"] = Json::array();
  for (const auto& trial : page.ranked) data["ranked"].push_back(trial_json(trial));
  data["repeats"] = Json::array();
  for (const auto& repeat : page.repeats)
    data["repeats"].push_back({repeat.seed, value_json(repeat.value), repeat.failure});
  write_file_atomically(file, html_page(page.title, data, {"common.js", "chart.js", "sweep.js"}));
}

}  // namespace ganvas
