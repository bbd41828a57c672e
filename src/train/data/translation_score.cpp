#include "train/data/translation_score.hpp"

#include "train/game/generate.hpp"

namespace ganvas {

Scalars TranslationScore::operator()(Generator& generator, const std::vector<Image>& inputs) {
  if (!set_.on() || inputs.size() < 2) return {};
  const Scalars figures = set_([&](FeatureGatherer& gatherer) {
    for (const Image& picture : inputs) gatherer.add(generated_picture(generator, picture, device_));
  });
  Scalars scalars;
  for (const char* figure : {"fid", "kid"}) {
    const std::string name = set_.name_of(figure);
    scalars[name] = figures.at(name);
  }
  return scalars;
}

double TranslationScore::of(const Scalars& figures) const { return -figures.at(set_.name_of("fid")); }

}  // namespace ganvas
