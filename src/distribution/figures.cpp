#include "ganvas/distribution/figures.hpp"

#include <torch/torch.h>

#include <limits>

#include "ganvas/distribution/kernel_distance.hpp"
#include "ganvas/distribution/precision_recall.hpp"

namespace ganvas {

DistributionFigures compare_distributions(const FeatureSet& real, const FeatureSet& generated) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  DistributionFigures figures{frechet_distance(real.statistics, generated.statistics), unknown, unknown, unknown,
                              unknown};
  if (!real.features.defined() || !generated.features.defined()) return figures;
  const KernelDistance kernel = kernel_distance(real.features, generated.features);
  figures.kid = kernel.mean;
  figures.kid_deviation = kernel.deviation;
  const PrecisionRecall shares = precision_recall(real.features, generated.features);
  figures.precision = shares.precision;
  figures.recall = shares.recall;
  return figures;
}

std::string feature_network_name(const FeatureNetwork& network) {
  const std::string architecture = network.architecture();
  if (architecture == "inception-fid") return "inception";
  return architecture == "small-features" ? "features" : architecture;
}

std::string figure_name(const std::string& figure, const FeatureNetwork& network) {
  const std::string name = feature_network_name(network);
  return name == "inception" ? figure : figure + "_" + name;
}

std::map<std::string, double> named_figures(const DistributionFigures& figures, const FeatureNetwork& network) {
  return {{figure_name("fid", network), figures.fid},
          {figure_name("kid", network), figures.kid},
          {figure_name("kid_std", network), figures.kid_deviation},
          {figure_name("precision", network), figures.precision},
          {figure_name("recall", network), figures.recall}};
}

}  // namespace ganvas
