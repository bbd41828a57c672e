#include "ganvas/data/image_source.hpp"

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <opencv2/core.hpp>
#include <set>

#include "data/parallel.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/utf8.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/fit.hpp"
#include "ganvas/imaging/picture_files.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// The first folder of a picture's way below its place; empty where it lies in the place itself.
std::string class_of(const PictureFile& file) {
  return file.below.has_parent_path() ? file.below.begin()->string() : std::string();
}

}  // namespace

const std::vector<std::string>& image_fits() {
  static const std::vector<std::string> names{"crop", "pad"};
  return names;
}

std::vector<std::string> image_classes(const std::vector<fs::path>& places) {
  std::set<std::string> names;
  for (const auto& file : list_pictures(places))
    if (const std::string name = class_of(file); !name.empty()) names.insert(name);
  for (const auto& name : names)
    if (!is_utf8(name))
      fail(ErrorKind::data, "'{}': a class has this folder's name, which is no UTF-8; rename it", name);
  if (names.size() < 2)
    fail(ErrorKind::data, "{}: {} folder{} with pictures in it; classes are folders, at least two",
         places.empty() ? "data" : places.front().string(), names.size(), names.size() == 1 ? "" : "s");
  return {names.begin(), names.end()};
}

ImageSource::ImageSource(const ImageSourceOptions& options) : options_(options) {
  const auto files = readable_pictures(require_pictures(options.places));
  samples_.resize(files.size());
  parallel_for(files.size(), [&](std::size_t i) {
    const std::string name = files[i].path.string();
    Image image = read_image(files[i].path).image;
    if (image.depth() != Depth::u8) image = to_depth(image, Depth::u8);
    image = with_channels(image, options_.channels);
    samples_[i] = {fitted(image, options_.width, options_.height, options_.fit == "pad"), 0, name};
  });
  if (options.classes.empty()) return;
  std::map<std::string, int> counts;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string name = class_of(files[i]);
    const auto found = std::ranges::find(options.classes, name);
    if (found == options.classes.end()) fail(ErrorKind::data, "{}: lies in no class's folder", files[i].path.string());
    samples_[i].label = static_cast<int>(found - options.classes.begin());
    ++counts[name];
  }
  for (const auto& [name, count] : counts)
    if (count < 2) fail(ErrorKind::data, "class '{}' has one picture: at least two are needed to learn a kind", name);
}

ImageSource::Sample ImageSource::draw(Rng& rng) const {
  Sample sample = samples_.at(rng.below(samples_.size()));
  if (options_.flip && rng.uniform() < 0.5) {
    cv::Mat mirrored;
    cv::flip(sample.image.pixels, mirrored, 1);
    sample.image = Image(mirrored);
  }
  return sample;
}

std::vector<ImageSource::Sample> ImageSource::hold_out(int count) {
  const std::size_t most = samples_.size() / 10;
  const std::size_t wanted = std::min(static_cast<std::size_t>(std::max(count, 0)), most);
  std::vector<Sample> held, kept;
  std::size_t next = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const bool take = next < wanted && i == (2 * next + 1) * samples_.size() / (2 * wanted);
    (take ? held : kept).push_back(std::move(samples_[i]));
    next += take;
  }
  samples_ = std::move(kept);
  return held;
}

Batch make_image_batch(const ImageSource& source, int size, std::uint64_t seed, std::int64_t step) {
  std::vector<Image> images;
  std::vector<std::int64_t> labels;
  for (int i = 0; i < size; ++i) {
    Rng rng = Rng::for_item(seed, static_cast<std::uint64_t>(step * size + i));
    ImageSource::Sample sample = source.draw(rng);
    images.push_back(std::move(sample.image));
    labels.push_back(sample.label);
  }
  return {{"images", tensor_from_images(images)}, {"labels", torch::tensor(labels)}};
}

}  // namespace ganvas
