#pragma once

#include <memory>
#include <vector>

#include "ganvas/data/pair_source.hpp"
#include "ganvas/loss/lpips.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// The data side of super-resolution: training crops, validation pictures, figures and sample pictures.
/// Recipe tables [data] (crop, augment, sampling, candidates, hold_out, usm_target, pool, memory: MiB of pictures, 0
/// for half of what is there), [degrade] and [validate] (border, lpips: the feature network, a name or file, empty for
/// none; metric: which figure decides what is best).
class SrData {
 public:
  /// For a network of equally many channels in and out.
  SrData(const TaskContext& context, const GeneratorInfo& network);
  void load();
  Batch batch(std::int64_t index) const;
  /// Side of a high-resolution crop.
  int hr_crop() const { return options_.crop * options_.scale; }

  /// psnr_y, ssim_y and, with a feature network, lpips: means over the validation pictures.
  Scalars validate(Generator& generator) const;
  /// Larger is better.
  double score(const Scalars& figures) const;
  std::vector<SampleRow> preview(Generator& generator) const;

 private:
  TaskContext context_;
  PairSourceOptions options_;
  std::int64_t pool_;
  int hold_out_, border_;
  std::string metric_;
  std::unique_ptr<Lpips> lpips_;
  std::unique_ptr<PairSource> source_;
  std::vector<ImagePair> validation_;
};

}  // namespace ganvas
