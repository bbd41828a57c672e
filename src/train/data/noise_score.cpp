#include "train/data/noise_score.hpp"

#include <torch/torch.h>

#include "ganvas/distribution/figures.hpp"

namespace ganvas {

NoiseScore::NoiseScore(const TaskContext& context) {
  const std::string name = context.recipe.text("validate.network", "features");
  pictures_ = static_cast<int>(context.recipe.integer("validate.pictures", 256, 2, 100'000));
  if (name.empty() || !context.find_model) return;
  network_ = load_feature_network(context.find_model(name));
  network_->to(context.device);
  options_.device = context.device;
}

void NoiseScore::load(const std::vector<Image>& real) {
  if (!network_ || real.size() < 2) return;
  FeatureGatherer gatherer(network_, options_);
  for (const Image& picture : real) gatherer.add(picture);
  real_ = gatherer.result();
}

Scalars NoiseScore::operator()(const std::function<void(FeatureGatherer&)>& add_fakes) const {
  if (!on()) return {};
  FeatureGatherer gatherer(network_, options_);
  add_fakes(gatherer);
  Scalars figures;
  for (const auto& [name, value] : named_figures(compare_distributions(*real_, gatherer.result()), *network_))
    if (std::isfinite(value)) figures[name] = value;
  return figures;
}

double NoiseScore::of(const Scalars& figures) const {
  const auto found = figures.find(network_ ? figure_name("kid", *network_) : "");
  return found == figures.end() ? -1e300 : -found->second;
}

}  // namespace ganvas
