#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ganvas/data/translation_source.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// What a run learns from, and what it is judged by: the pictures that --validation names, all of them in order, or
/// `hold_out` that are kept out of training.
struct LoadedPairs {
  std::unique_ptr<TranslationSource> source;
  std::vector<TranslationPair> validation;
};
LoadedPairs load_pairs(const TaskData& data, TranslationSourceOptions options, int hold_out);

/// The data side of translation: training samples, validation pictures and sample pictures.
/// Recipe table [data]: direction (AtoB, BtoA), preprocess, load, crop, flip, hold_out.
class TranslationData {
 public:
  /// Channels are those that the generator takes and gives.
  TranslationData(const TaskContext& context, bool paired, const GeneratorInfo& info);
  void load();
  /// "a" and "b" in the generator's value range.
  Batch batch(std::int64_t index) const;
  /// Side of what a discriminator sees.
  int crop() const { return options_.crop; }
  /// Pictures kept out of training.
  const std::vector<TranslationPair>& validation() const { return validation_; }

  /// Pictures of A for judging the generator: those kept out of training, then some of training, spread evenly.
  std::vector<Image> pictures_of_a(int most) const;
  /// All real pictures of B.
  std::vector<Image> pictures_of_b() const;

  /// A alone, as people look at it.
  Image picture_of_a(const TranslationPair& pair) const;
  /// Gives a generator that takes palettes those that stand for all training pictures of B.
  void keep_palettes(Generator& generator) const;

  /// One cell of a sample row: a label, and the picture made of what is kept.
  using Cell = std::pair<std::string, std::function<Image(const TranslationPair&)>>;
  /// The first rows of the validation pictures.
  std::vector<SampleRow> preview(const std::vector<Cell>& cells) const;

 private:
  TaskContext context_;
  GeneratorInfo info_;
  TranslationSourceOptions options_;
  int hold_out_;
  std::unique_ptr<TranslationSource> source_;
  std::vector<TranslationPair> validation_;
};

/// Pearson's correlation of the luminance of two batches of the same size, over all pixels: near 1 where light stays
/// light, negative where a translator inverts.
double luminance_correlation(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace ganvas
