#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ganvas/core/rng.hpp"
#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Low- and high-resolution views of one scene; u8 RGB; hr is exactly `scale` times as large.
struct ImagePair {
  Image lr, hr;
  std::string name;
};

struct PairSourceOptions {
  std::vector<std::filesystem::path> hr;  ///< folders (searched recursively) or files
  std::filesystem::path lr;               ///< folder of the same names; empty: made by MATLAB bicubic
  int scale = 4;
  int crop = 32;        ///< side of a training crop, in low-resolution pixels
  bool augment = true;  ///< flips and quarter turns
};

/// Training pairs for super-resolution, decoded once and held in memory as bytes.
/// Pictures smaller than a crop are left out (counted in `skipped`), unreadable ones throw Error(data).
class PairSource {
 public:
  explicit PairSource(const PairSourceOptions& options);
  explicit PairSource(std::vector<ImagePair> pairs, const PairSourceOptions& options);

  /// A random crop: the picture by area, then position and orientation, all from `rng`. Safe from any thread.
  ImagePair draw(Rng& rng) const;

  const std::vector<ImagePair>& pairs() const { return pairs_; }
  /// Takes `count` pictures, spread evenly over the set, out of training: a validation set where none is given.
  std::vector<ImagePair> hold_out(int count);
  int skipped() const { return skipped_; }

 private:
  void drop_small_and_weigh();
  PairSourceOptions options_;
  std::vector<ImagePair> pairs_;
  std::vector<double> cumulative_area_;
  int skipped_ = 0;
};

/// All pairs of HR folders and an LR folder (or LR made on the fly), whole pictures cropped to a multiple of the scale.
/// Throws Error(data) for an empty set, an unreadable file, a missing partner or sizes that don't fit.
std::vector<ImagePair> load_pairs(const PairSourceOptions& options);

/// What `ganvas data check` reports: one line a defect, empty when all is well.
std::vector<std::string> check_pairs(const PairSourceOptions& options);

/// Pictures of the folders and files, sorted; by extension, since a training folder may hold notes and archives too.
std::vector<std::filesystem::path> list_pictures(const std::vector<std::filesystem::path>& places);

}  // namespace ganvas
