#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ganvas/core/rng.hpp"
#include "ganvas/data/loader.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/imaging/image.hpp"

namespace ganvas {

struct TranslationSourceOptions {
  /// One place: a folder of side-by-side files (A left, B right; paired only), or one with subfolders A and B (or
  /// trainA and trainB). Two places: the pictures of A and those of B. Folders are searched recursively.
  std::vector<std::filesystem::path> places;
  bool paired = true;   ///< A and B show the same scene: partners by name, see pair_pictures()
  bool b_to_a = false;  ///< swaps the two: what is called A below is then B
  /// resize_and_crop: to load x load, then a random crop; crop: a random crop alone; scale_width, scale_shortside: that
  /// side becomes `load`; ..._and_crop: then a random crop; none: as they are.
  std::string preprocess = "resize_and_crop";
  int load = 286, crop = 256;
  bool flip = true;                    ///< half of the samples are mirrored left to right
  bool palettes = false;               ///< A is followed by the palette of B, six planes (palette.hpp)
  int a_channels = 3, b_channels = 3;  ///< 1 gray, 3 RGB, 4 RGBA: what pictures are converted to
};

/// The names that `preprocess` may have.
const std::vector<std::string>& translation_preprocesses();

/// Two views of one scene, or, unpaired, of two. Depth as in the files (8 or 16 bit).
struct TranslationPair {
  Image a, b;
  std::string name;
};

/// Training pictures for translation, decoded and resized once and held in memory as bytes.
class TranslationSource {
 public:
  /// Throws Error(data) for empty folders, unreadable files, missing partners and partners of different sizes, pictures
  /// smaller than the crop.
  explicit TranslationSource(const TranslationSourceOptions& options);

  /// A random sample: the pictures, then position and mirroring (the same for partners), all from `rng`. Safe from any
  /// thread.
  TranslationPair draw(Rng& rng) const;
  std::size_t a_count() const { return a_.size(); }
  std::size_t b_count() const { return b_.size(); }
  /// Whole pictures, resized but not cropped.
  const Image& a(std::size_t i) const { return a_.at(i).image; }
  const Image& b(std::size_t i) const { return b_.at(i).image; }

  /// All pairs in order, cropped in the middle; unpaired: as many as the smaller side has.
  std::vector<TranslationPair> all() const;
  /// Takes `count` pairs, spread evenly over the set, out of training, at most a tenth of it: whole pictures (after
  /// resizing, cropped in the middle where a crop was asked for) for validation. Unpaired: as many of each side.
  std::vector<TranslationPair> hold_out(int count);

 private:
  struct Picture {
    Image image;
    std::string name;
  };
  void load_paired();
  void load_unpaired();
  /// What of a picture is taken, where crops are: by default its middle.
  struct Cut {
    double across = 0.5, down = 0.5;  ///< where the crop lies, 0 (left, top) to 1
    bool mirrored = false;
  };
  enum class Side { a, b };
  Picture prepared(const Image& image, Side side, const std::string& name) const;
  Image cut(const Image& image, const Cut& how) const;
  /// Both cut in the middle.
  TranslationPair middles(std::size_t a, std::size_t b) const;
  /// A with the palette of B, where that is asked for.
  TranslationPair told(TranslationPair pair) const;
  bool crops() const;

  TranslationSourceOptions options_;
  std::vector<Picture> a_, b_;  ///< paired: partners at the same index
};

/// The batch of a step: "a" and "b", each sample with a generator of its own derived from (seed, step * size + i).
/// Throws Error(recipe) when pictures of different sizes would be in one batch.
Batch make_translation_batch(const TranslationSource& source, int size, std::uint64_t seed, std::int64_t step);

/// What of translation data training could not use.
DataCheck check_translation(const TranslationSourceOptions& options);

}  // namespace ganvas
