#include "ganvas/data/pair_source.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <opencv2/core.hpp>
#include <optional>
#include <thread>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/resize.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

Image read_rgb(const fs::path& path) { return to_rgb(color_part(to_depth(read_image(path).image, Depth::u8))); }

Image crop(const Image& image, int x, int y, int width, int height) {
  return Image(image.pixels(cv::Rect(x, y, width, height)).clone());
}

/// The LR partner: same stem in the LR folder, also with the customary "x4" behind it (DIV2K).
fs::path find_partner(const fs::path& folder, const fs::path& hr, int scale) {
  for (const std::string& stem : {hr.stem().string(), fmt::format("{}x{}", hr.stem().string(), scale)})
    for (const char* extension : {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".ppm"})
      if (fs::path candidate = folder / (stem + extension); fs::exists(candidate)) return candidate;
  fail(ErrorKind::data, "{}: no picture of this name in {}", hr.string(), folder.string());
}

ImagePair load_pair(const fs::path& path, const PairSourceOptions& options) {
  Image hr = read_rgb(path);
  const int scale = options.scale;
  if (hr.width() < scale || hr.height() < scale)
    fail(ErrorKind::data, "{}: {}x{} is smaller than one low-resolution pixel", path.string(), hr.width(), hr.height());
  const int full_width = hr.width(), full_height = hr.height();
  hr = crop(hr, 0, 0, hr.width() / scale * scale, hr.height() / scale * scale);
  if (options.lr.empty()) return {shrink_bicubic(hr, scale), hr, path.string()};
  const fs::path partner = find_partner(options.lr, path, scale);
  Image lr = read_rgb(partner);
  // Some sets round the LR size down, some up.
  const auto fits = [scale](int small, int large) {
    return small == large / scale || small == (large + scale - 1) / scale;
  };
  if (!fits(lr.width(), full_width) || !fits(lr.height(), full_height))
    fail(ErrorKind::data, "{}: {}x{} is not 1/{} of {} ({}x{})", partner.string(), lr.width(), lr.height(), scale,
         path.string(), full_width, full_height);
  return {crop(lr, 0, 0, hr.width() / scale, hr.height() / scale), hr, path.string()};
}

/// Calls `work(i)` for all i on all cores; the first exception ends it and is rethrown.
template <typename Work>
void parallel_for(std::size_t count, Work work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex mutex;
  const auto loop = [&] {
    for (std::size_t i; (i = next++) < count && !interrupted();) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) threads.emplace_back(loop);
  }
  if (error) std::rethrow_exception(error);
  throw_if_interrupted();
}

}  // namespace

std::vector<fs::path> list_pictures(const std::vector<fs::path>& places) {
  std::vector<fs::path> pictures;
  for (const auto& place : places) {
    if (!fs::exists(place)) fail(ErrorKind::data, "{}: no such file or folder", place.string());
    if (!fs::is_directory(place)) {
      pictures.push_back(place);
      continue;
    }
    for (auto& file : list_files(place, true))
      if (format_from_name(file.extension().string())) pictures.push_back(std::move(file));
  }
  return pictures;
}

std::vector<ImagePair> load_pairs(const PairSourceOptions& options) {
  const auto files = list_pictures(options.hr);
  if (files.empty()) {
    std::vector<std::string> places;
    for (const auto& place : options.hr) places.push_back(place.string());
    fail(ErrorKind::data, "{}: no pictures found", fmt::join(places, ", "));
  }
  std::vector<ImagePair> pairs(files.size());
  parallel_for(files.size(), [&](std::size_t i) { pairs[i] = load_pair(files[i], options); });
  return pairs;
}

std::vector<std::string> check_pairs(const PairSourceOptions& options) {
  const auto files = list_pictures(options.hr);
  std::vector<std::string> defects(files.size());
  parallel_for(files.size(), [&](std::size_t i) {
    try {
      const ImagePair pair = load_pair(files[i], options);
      if (std::min(pair.lr.width(), pair.lr.height()) < options.crop)
        defects[i] = fmt::format("{}: {}x{} is smaller than a crop of {}", pair.name, pair.hr.width(), pair.hr.height(),
                                 options.crop * options.scale);
    } catch (const Error& error) {
      defects[i] = error.what();
    }
  });
  std::erase(defects, "");
  if (files.empty()) defects.push_back("no pictures found");
  return defects;
}

PairSource::PairSource(const PairSourceOptions& options) : PairSource(load_pairs(options), options) {}

PairSource::PairSource(std::vector<ImagePair> pairs, const PairSourceOptions& options)
    : options_(options), pairs_(std::move(pairs)) {
  drop_small_and_weigh();
}

void PairSource::drop_small_and_weigh() {
  skipped_ += static_cast<int>(std::erase_if(
      pairs_, [&](const ImagePair& pair) { return std::min(pair.lr.width(), pair.lr.height()) < options_.crop; }));
  if (pairs_.empty())
    fail(ErrorKind::data, "no picture is as large as a crop of {0}x{0} ({1} too small); lower data.crop",
         options_.crop * options_.scale, skipped_);
  cumulative_area_.clear();
  double total = 0;
  for (const auto& pair : pairs_) cumulative_area_.push_back(total += static_cast<double>(pair.lr.pixels.total()));
}

std::vector<ImagePair> PairSource::hold_out(int count) {
  std::vector<ImagePair> held;
  const auto total = static_cast<int>(pairs_.size());
  // A small set gives at most a tenth.
  count = std::min(count, total < 2 ? 0 : std::max(1, total / 10));
  for (int i = count - 1; i >= 0; --i) {
    const auto position = pairs_.begin() + (2 * static_cast<std::int64_t>(i) + 1) * total / (2 * count);
    held.insert(held.begin(), std::move(*position));
    pairs_.erase(position);
  }
  drop_small_and_weigh();
  return held;
}

ImagePair PairSource::draw(Rng& rng) const {
  const double target = rng.uniform() * cumulative_area_.back();
  const auto found = std::upper_bound(cumulative_area_.begin(), cumulative_area_.end(), target);
  const auto index = std::min<std::size_t>(found - cumulative_area_.begin(), pairs_.size() - 1);
  const ImagePair& pair = pairs_[index];
  const int side = options_.crop, scale = options_.scale;
  const int x = static_cast<int>(rng.below(pair.lr.width() - side + 1));
  const int y = static_cast<int>(rng.below(pair.lr.height() - side + 1));
  const std::uint64_t orientation = options_.augment ? rng.below(8) : 0;

  const auto turn = [orientation](cv::Mat view) {
    cv::Mat result = view.clone();
    if (orientation & 1) cv::flip(result, result, 1);
    if (orientation & 2) cv::flip(result, result, 0);
    if (orientation & 4) cv::transpose(result, result);
    return Image(result);
  };
  return {turn(pair.lr.pixels(cv::Rect(x, y, side, side))),
          turn(pair.hr.pixels(cv::Rect(x * scale, y * scale, side * scale, side * scale))), pair.name};
}

}  // namespace ganvas
