#pragma once

#include <memory>
#include <vector>

#include "ganvas/data/translation_source.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// Contents and styles for training, cropped to a size that changes from step to step, each crop at a scale of its own.
/// Recipe table [data]: load (shorter side that pictures get), crops (sides), crop_shares (how often each, in parts),
/// smallest_scale (a crop of side n is shrunk from up to n / smallest_scale pixels), flip, hold_out, direction.
class StyleData {
 public:
  struct Rules {
    std::int64_t identity_every = 0;  ///< one of so many samples on average is a content that is its own style; 0: none
    bool whole_styles = false;        ///< a batch has one style, a whole picture; they take turns
  };
  StyleData(const TaskContext& context, const Rules& rules);
  void load();
  /// N x 3 x S x S in [0, 1] each: "content", "style", and "same", how many of the last samples are their own style.
  /// With whole styles "style" is 1 x 3 x H x W. Batches of larger crops than the smallest hold fewer samples, two at
  /// least, for the same work.
  Batch batch(std::int64_t index) const;
  /// Side of the largest crop.
  int largest() const { return static_cast<int>(crops_.back()); }
  /// Kept out of training, squares of the largest crop from the middle.
  const std::vector<TranslationPair>& validation() const { return validation_; }

 private:
  std::int64_t crop_of(std::int64_t index) const;
  Image crop(const Image& picture, int side, Rng& rng) const;

  TaskContext context_;
  TranslationSourceOptions options_;
  Rules rules_;
  int hold_out_;
  double smallest_scale_;
  std::vector<std::int64_t> crops_, shares_;
  std::unique_ptr<TranslationSource> source_;
  std::vector<TranslationPair> validation_;
};

}  // namespace ganvas
