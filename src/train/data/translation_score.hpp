#pragma once

#include <optional>
#include <vector>

#include "ganvas/distribution/features.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// How well translations of unpaired pictures do: no partner says what is right, so that their distribution is compared
/// with that of the real pictures of B, in the space of a feature network. Recipe table [validate]: network (a name or
/// file, default "features", which ships; empty for no score), pictures (at most so many translations).
class TranslationScore {
 public:
  explicit TranslationScore(const TaskContext& context);
  /// How many pictures of A it would see translated.
  int pictures() const { return pictures_; }
  /// The real pictures of B.
  void load(const std::vector<Image>& real);
  /// Frechet and kernel distance of the translations of `inputs` from the real pictures, by their names (fid_features
  /// and kid_features, or fid and kid for Inception). Empty without a network or with fewer than two pictures.
  Scalars operator()(Generator& generator, const std::vector<Image>& inputs);
  /// Larger is better: the Frechet distance, negated.
  double of(const Scalars& figures) const;

 private:
  TaskContext context_;
  int pictures_ = 0;
  FeatureNetworkPtr network_;
  std::optional<FeatureSet> real_;
};

}  // namespace ganvas
