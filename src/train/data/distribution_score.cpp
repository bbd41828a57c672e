#include "train/data/distribution_score.hpp"

#include <torch/torch.h>

#include "ganvas/distribution/figures.hpp"

namespace ganvas {

DistributionScore::DistributionScore(const TaskContext& context, int default_pictures) : device_(context.device) {
  const std::string name = context.recipe.text("validate.network", "features");
  pictures_ = static_cast<int>(context.recipe.integer("validate.pictures", default_pictures, 2, 100'000));
  if (name.empty() || !context.find_model) return;
  network_ = load_feature_network(context.model("validate.network", name));
  network_->to(device_);
}

FeatureSet DistributionScore::gathered(const std::function<void(FeatureGatherer&)>& add) const {
  FeatureOptions options;
  options.device = device_;
  FeatureGatherer gatherer(network_, options);
  add(gatherer);
  return gatherer.result();
}

void DistributionScore::load(const std::vector<Image>& real) {
  if (!network_ || real.size() < 2) return;
  real_ = gathered([&](FeatureGatherer& gatherer) {
    for (const Image& picture : real) gatherer.add(picture);
  });
}

Scalars DistributionScore::operator()(const std::function<void(FeatureGatherer&)>& add) const {
  if (!on()) return {};
  return named_figures(compare_distributions(*real_, gathered(add)), *network_);
}

std::string DistributionScore::name_of(const std::string& figure) const { return figure_name(figure, *network_); }

}  // namespace ganvas
