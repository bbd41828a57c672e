#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands/run.hpp"
#include "ganvas/core/isa.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/engine/tuning.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"

namespace ganvas::cli {

namespace {

nlohmann::json as_json(const Tuning& tuning) {
  nlohmann::json convolutions = nlohmann::json::array(), chosen = nlohmann::json::array();
  for (const TunedConvolution& one : tuning.convolutions) {
    nlohmann::json row{{"convolution", one.shape},
                       {"count", one.count},
                       {"precision", one.precision},
                       {"layout", one.together ? "together" : "blocks"},
                       {"implementation", one.implementation},
                       {"timed", one.timed}};
    if (std::isfinite(one.seconds)) row["seconds"] = one.seconds;
    convolutions.push_back(row);
  }
  for (const TunedPrecision& one : tuning.chosen)
    chosen.push_back({{"precision", one.precision}, {"seconds", one.seconds}, {"layouts", one.layouts}});
  return {{"cpu", cpu_name()}, {"convolutions", convolutions}, {"chosen", chosen}};
}

void print_table(const Tuning& tuning) {
  fmt::print("{:<44} {:>5}  {:<9}  {:<8}  {:>9}  {}\n", "convolution", "count", "precision", "layout", "ms each",
             "implementation");
  for (const TunedConvolution& one : tuning.convolutions)
    fmt::print("{:<44} {:>5}  {:<9}  {:<8}  {:>9}  {}\n", one.shape, one.count, one.precision,
               one.together ? "together" : "blocks",
               std::isfinite(one.seconds) ? fmt::format("{:.3f}{}", 1000 * one.seconds, one.timed ? "" : "?") : "-",
               one.implementation.empty() ? "none" : one.implementation);
  for (const TunedPrecision& one : tuning.chosen)
    fmt::print("{}: {:.1f} ms in convolutions and copies; {}\n", one.precision, 1000 * one.seconds, one.layouts);
}

}  // namespace

int run(const ModelTuneRequest& request) {
  use_cpu_threads(request.threads);
  LoadedGenerator model = load_generator(find_model(request.model));
  const Tuning tuning = tune_engine(*model.network, model.file.text(int8_metadata), request.height, request.width);
  if (request.json) fmt::print("{}\n", json_line(as_json(tuning)));
  else print_table(tuning);
  return 0;
}

}  // namespace ganvas::cli
