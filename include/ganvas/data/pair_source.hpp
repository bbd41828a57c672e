#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/core/rng.hpp"
#include "ganvas/data/degradation.hpp"
#include "ganvas/imaging/image.hpp"

namespace ganvas {

class PairStore;

/// Low- and high-resolution views of one scene, of the same channels; hr is exactly `scale` times as large.
struct ImagePair {
  Image lr, hr;
  std::string name;
  Image sharp{};                        ///< hr sharpened, a target for fidelity losses; empty where not asked for
  std::shared_ptr<const void> store{};  ///< of pixels that lie outside memory
};

struct PairSourceOptions {
  std::vector<std::filesystem::path> hr;  ///< folders (searched recursively, see list_pictures()) or files
  std::filesystem::path lr;               ///< of the partners, see find_partners(); empty: made by MATLAB bicubic
  int scale = 4;
  /// Of every picture: 1 (gray), 3 (RGB), 4 (RGBA) or a number of bands; 0: as stored. Depths stay as stored, too,
  /// except that pictures to be degraded or sharpened become u8.
  int channels = 3;
  int crop = 32;        ///< side of a training crop, in low-resolution pixels
  bool augment = true;  ///< flips and quarter turns
  /// How a picture is chosen: by its area, so that every pixel is as likely as every other, or all alike.
  bool by_area = true;
  int candidates = 1;  ///< crops drawn a sample, of which the one with the most detail is taken
  /// How lr is made from hr, anew for every sample; validation pictures get a fixed one each. Not together with `lr`.
  std::optional<Degradation> degradation{};
  /// Every picture is also sharpened (usm_sharpen) at the start, and degraded from that, as Real-ESRGAN does it.
  /// Doubles the memory.
  bool usm_target = false;
  /// Bytes of decoded pictures beyond which the rest goes to a nameless file in `scratch`; 0: half of what memory is
  /// available. `scratch` empty: the folder of temporary files.
  std::uint64_t memory = 0;
  std::filesystem::path scratch{};
};

/// Training pairs for super-resolution, decoded once and held in memory as bytes, or beyond a limit on disk.
/// Pictures smaller than a crop are left out (counted in `skipped`), unreadable ones throw Error(data).
class PairSource {
 public:
  explicit PairSource(const PairSourceOptions& options);
  explicit PairSource(std::vector<ImagePair> pairs, const PairSourceOptions& options);
  ~PairSource();

  /// A random crop: the picture, then position, orientation and degradation, all from `rng`. Safe from any thread.
  ImagePair draw(Rng& rng) const;

  const std::vector<ImagePair>& pairs() const { return pairs_; }
  /// Takes `count` pictures, spread evenly over the set, out of training: a validation set where none is given. Picture
  /// i of it is degraded by generator (validation_seed, i).
  std::vector<ImagePair> hold_out(int count);
  int skipped() const { return skipped_; }

 private:
  struct Place;
  Place draw_place(Rng& rng) const;
  ImagePair cut(const Place& place, std::uint64_t orientation) const;
  Image degrade_around(const Place& place, std::uint64_t orientation, Rng& rng) const;
  void drop_small_and_weigh();
  PairSourceOptions options_;
  std::unique_ptr<PairStore> store_;
  std::vector<ImagePair> pairs_;
  std::vector<double> cumulative_area_;
  int skipped_ = 0;
};

/// All pairs of HR folders and an LR folder (or LR made on the fly), whole pictures cropped to a multiple of the scale.
/// With a degradation and no LR folder, picture i is degraded by generator (validation_seed, i): a validation set.
/// Throws Error(data) for an empty set, an unreadable file, a missing partner or sizes that don't fit.
std::vector<ImagePair> load_pairs(const PairSourceOptions& options);

/// What of the data training could not use.
struct DataCheck {
  std::size_t pictures = 0;          ///< looked at
  std::vector<std::string> defects;  ///< one line each; empty when all is well
};
DataCheck check_pairs(const PairSourceOptions& options);

}  // namespace ganvas
