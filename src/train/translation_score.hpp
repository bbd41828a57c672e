#pragma once

#include <vector>

#include "ganvas/data/translation_source.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// How well translations of unpaired pictures do: no partner says what is right, so that their distribution is compared
/// with that of the real pictures of B, in the space of a feature network. Recipe table [validate].
class TranslationScore {
 public:
  explicit TranslationScore(const TaskContext& context);
  void load(const std::vector<TranslationPair>& pictures);
  Scalars operator()(Generator& generator, const std::vector<TranslationPair>& pictures);
  /// Larger is better.
  double of(const Scalars& figures) const;

 private:
  TaskContext context_;
};

}  // namespace ganvas
