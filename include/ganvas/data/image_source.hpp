#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ganvas/core/rng.hpp"
#include "ganvas/data/loader.hpp"
#include "ganvas/imaging/image.hpp"

namespace ganvas {

struct ImageSourceOptions {
  std::vector<std::filesystem::path> places;  ///< folders, searched in depth, or files
  int height = 64, width = 64;                ///< what every picture becomes
  std::string fit = "crop";                   ///< other shapes: crop (the middle) or pad (gray bars)
  bool flip = true;                           ///< half of the samples are mirrored left to right
  int channels = 3;                           ///< 1 gray, 3 RGB, 4 RGBA: what pictures are converted to
  /// Their names, sorted (image_classes()): the first folder below a place says to which a picture belongs. Empty:
  /// none.
  std::vector<std::string> classes{};
};

/// The names that `fit` may have.
const std::vector<std::string>& image_fits();

/// The classes of places: the folders directly below them that hold pictures, sorted. Throws Error(data) for fewer than
/// two.
std::vector<std::string> image_classes(const std::vector<std::filesystem::path>& places);

/// Training pictures by themselves, for networks that make such: decoded and resized once, held in memory with 8 bits.
class ImageSource {
 public:
  struct Sample {
    Image image;
    int label = 0;  ///< index of its class
    std::string name;
  };

  /// Throws Error(data) for no pictures, unreadable files, pictures outside of any class and classes of one picture.
  explicit ImageSource(const ImageSourceOptions& options);

  /// A random sample, mirrored or not, from `rng`. Safe from any thread.
  Sample draw(Rng& rng) const;
  std::size_t count() const { return samples_.size(); }
  const Sample& at(std::size_t i) const { return samples_.at(i); }
  /// Takes `count` pictures out of training, spread evenly over the set, at most a tenth of it.
  std::vector<Sample> hold_out(int count);

 private:
  ImageSourceOptions options_;
  std::vector<Sample> samples_;
};

/// The batch of a step: "images", N x C x H x W in [0, 1], and "labels", N class indices; each sample with random
/// numbers of its own derived from (seed, step * size + i).
Batch make_image_batch(const ImageSource& source, int size, std::uint64_t seed, std::int64_t step);

}  // namespace ganvas
