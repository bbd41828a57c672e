#include "train/data/translation_score.hpp"

#include <torch/torch.h>

#include "ganvas/distribution/figures.hpp"
#include "train/game/generate.hpp"

namespace ganvas {

namespace {

FeatureSet gathered(const FeatureNetworkPtr& network, const TaskContext& context, const std::vector<Image>& pictures,
                    const std::function<Image(const Image&)>& made) {
  FeatureOptions options;
  options.device = context.device;
  FeatureGatherer gatherer(network, options);
  for (const Image& picture : pictures) gatherer.add(made(picture));
  return gatherer.result();
}

}  // namespace

TranslationScore::TranslationScore(const TaskContext& context) : context_(context) {
  const std::string name = context.recipe.text("validate.network", "features");
  pictures_ = static_cast<int>(context.recipe.integer("validate.pictures", 64, 2, 100'000));
  if (name.empty() || !context.find_model) return;
  network_ = load_feature_network(context.find_model(name));
  network_->to(context.device);
}

void TranslationScore::load(const std::vector<Image>& real) {
  if (network_ && real.size() >= 2)
    real_ = gathered(network_, context_, real, [](const Image& picture) { return picture; });
}

Scalars TranslationScore::operator()(Generator& generator, const std::vector<Image>& inputs) {
  if (!network_ || !real_ || inputs.size() < 2) return {};
  const FeatureSet made = gathered(network_, context_, inputs, [&](const Image& picture) {
    return generated_picture(generator, picture, context_.device);
  });
  const auto figures = named_figures(compare_distributions(*real_, made), *network_);
  Scalars scalars;
  for (const char* figure : {"fid", "kid"}) {
    const std::string name = figure_name(figure, *network_);
    scalars[name] = figures.at(name);
  }
  return scalars;
}

double TranslationScore::of(const Scalars& figures) const { return -figures.at(figure_name("fid", *network_)); }

}  // namespace ganvas
