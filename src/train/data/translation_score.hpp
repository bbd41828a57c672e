#pragma once

#include <vector>

#include "ganvas/nn/generator.hpp"
#include "train/data/distribution_score.hpp"

namespace ganvas {

/// How well translations of unpaired pictures do: no partner says what is right, so that their distribution is compared
/// with that of the real pictures of B (DistributionScore).
class TranslationScore {
 public:
  explicit TranslationScore(const TaskContext& context) : device_(context.device), set_(context, 64) {}
  /// How many pictures of A it would see translated.
  int pictures() const { return set_.pictures(); }
  /// The real pictures of B.
  void load(const std::vector<Image>& real);
  /// Frechet and kernel distance of the translations of `inputs` from the real pictures, by their names (fid_features
  /// and kid_features, or fid and kid for Inception), and their lattice relative to that of the real ones
  /// (lattice_index), and their flicker (flicker_of). Empty without a network or with fewer than two pictures.
  Scalars operator()(Generator& generator, const std::vector<Image>& inputs);
  /// Larger is better: the Frechet distance, negated.
  double of(const Scalars& figures) const;

 private:
  torch::Device device_;
  DistributionScore set_;
  double real_lattice_ = 1;
};

}  // namespace ganvas
