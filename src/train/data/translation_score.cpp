#include "train/data/translation_score.hpp"

#include "ganvas/metric/lattice.hpp"
#include "train/game/generate.hpp"

namespace ganvas {

void TranslationScore::load(const std::vector<Image>& real) {
  set_.load(real);
  if (real.empty()) return;
  real_lattice_ = 0;
  for (const Image& picture : real) real_lattice_ += lattice_index(picture) / static_cast<double>(real.size());
}

Scalars TranslationScore::operator()(Generator& generator, const std::vector<Image>& inputs) {
  if (!set_.on() || inputs.size() < 2) return {};
  double lattice = 0, flicker = 0;
  const auto count = static_cast<double>(inputs.size());
  const Scalars figures = set_([&](FeatureGatherer& gatherer) {
    for (const Image& picture : inputs) {
      const Image result = generated_picture(generator, picture, device_);
      lattice += lattice_index(result) / count;
      flicker += flicker_of(generator, picture, result, device_) / count;
      gatherer.add(result);
    }
  });
  Scalars scalars{{"lattice", lattice / real_lattice_}, {"flicker", flicker}};
  for (const char* figure : {"fid", "kid"}) {
    const std::string name = set_.name_of(figure);
    scalars[name] = figures.at(name);
  }
  return scalars;
}

double TranslationScore::of(const Scalars& figures) const { return -figures.at(set_.name_of("fid")); }

}  // namespace ganvas
