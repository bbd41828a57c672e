#include "commands/eval_sets.hpp"

#include <array>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "commands/network_file.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/distribution/figures.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/threads.hpp"

namespace ganvas::cli {

namespace {

/// In the order of the papers; named_figures() is sorted.
constexpr std::array<const char*, 5> order{"fid", "kid", "kid_std", "precision", "recall"};

FeatureNetworkPtr load_network(const std::string& given) {
  std::string name = given.empty() ? "features" : given;
  if (name == "inception") name = "pt_inception-2015-12-05";
  return load_feature_network(find_network_file(name));
}

/// `other`: the folder that it is compared with, which may lie in it.
FolderFeatures measure(const std::string& folder, const std::string& other, const FeatureNetworkPtr& network,
                       FeatureOptions options) {
  options.others = {other};
  FolderFeatures features;
  {
    Progress progress("features of " + folder, 0);
    features = features_of_folder(folder, network, options,
                                  [&](std::size_t done, std::size_t) { progress.update(static_cast<double>(done)); });
  }
  for (const auto& message : features.unreadable) log(LogLevel::error, "{}", message);
  const std::int64_t count = features.set.statistics.count, dimension = features.set.statistics.mean.numel();
  if (count <= dimension)
    log(LogLevel::warning,
        "{}: {} pictures for {} features: the Frechet distance comes out too large; compare only with as many", folder,
        count, dimension);
  return features;
}

/// Six digits, null where there is no figure.
nlohmann::ordered_json six_digits(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr);
}

}  // namespace

int run_eval_sets(const EvalRequest& request) {
  const FeatureNetworkPtr network = load_network(request.feature_network);
  FeatureOptions options;
  options.device = parse_device(request.upscale.run.device);
  use_cpu_threads(0);
  network->to(options.device);
  const FolderFeatures real = measure(request.hr, request.sr, network, options);
  const FolderFeatures generated = measure(request.sr, request.hr, network, options);
  const std::int64_t dimension = real.set.statistics.mean.numel();
  const std::string name = feature_network_name(*network);
  nlohmann::ordered_json line{{"reference", request.hr},
                              {"result", request.sr},
                              {"reference_pictures", real.set.statistics.count},
                              {"result_pictures", generated.set.statistics.count},
                              {"feature_network", name},
                              {"features", dimension}};
  const auto figures = named_figures(compare_distributions(real.set, generated.set), *network);
  if (!request.json)
    fmt::print("{} and {} pictures, by {} features of network '{}'\n", real.set.statistics.count,
               generated.set.statistics.count, dimension, name);
  for (const char* prefix : order) {
    const std::string key = figure_name(prefix, *network);
    line[key] = six_digits(figures.at(key));
    if (!request.json) fmt::print("{:<24} {:>10.6g}\n", key, figures.at(key));
  }
  if (request.json) fmt::print("{}\n", json_line(line));
  return real.unreadable.empty() && generated.unreadable.empty() ? 0 : 1;
}

}  // namespace ganvas::cli
