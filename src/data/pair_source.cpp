#include "ganvas/data/pair_source.hpp"

#include <algorithm>
#include <atomic>
#include <opencv2/core.hpp>
#include <optional>

#include "data/pair_store.hpp"
#include "data/parallel.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_partners.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/imaging/sharpen.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

Image read_pixels(const fs::path& path, const PairSourceOptions& options) {
  Image image = read_image(path).image;
  if (options.channels == 0) return image;
  try {
    image = with_channels(image, options.channels);
  } catch (const Error& error) {
    throw Error(error.kind(),
                fmt::format("{}: {}; set generator.in_channels and out_channels", path.string(), error.what()));
  }
  return options.degradation || options.usm_target ? to_depth(image, Depth::u8) : image;
}

Image crop(const Image& image, int x, int y, int width, int height) {
  return Image(image.pixels(cv::Rect(x, y, width, height)).clone());
}

/// The high-resolution pictures, with partners where such are given. Those among the others are no originals.
std::vector<PictureFile> find_files(const PairSourceOptions& options) {
  auto files = list_pictures(options.hr, {.others = {options.lr}});
  if (options.lr.empty()) return files;
  return find_partners(std::move(files), options.lr, {.originals = options.hr, .scale = options.scale});
}

ImagePair load_pair(const PictureFile& file, const PairSourceOptions& options) {
  const fs::path &path = file.path, &partner = file.partner;
  if (!file.problem.empty()) fail(ErrorKind::data, "{}: {}", path.string(), file.problem);
  Image hr = read_pixels(path, options);
  const int scale = options.scale;
  if (hr.width() < scale || hr.height() < scale)
    fail(ErrorKind::data, "{}: {}x{} is smaller than one low-resolution pixel", path.string(), hr.width(), hr.height());
  const int full_width = hr.width(), full_height = hr.height();
  hr = crop(hr, 0, 0, hr.width() / scale * scale, hr.height() / scale * scale);
  if (options.lr.empty()) return {shrink_bicubic(hr, scale), hr, path.string()};
  Image lr = read_pixels(partner, options);
  // Some sets round the LR size down, some up.
  const auto fits = [scale](int small, int large) {
    return small == large / scale || small == (large + scale - 1) / scale;
  };
  if (!fits(lr.width(), full_width) || !fits(lr.height(), full_height))
    fail(ErrorKind::data, "{}: {}x{} is not 1/{} of {} ({}x{})", partner.string(), lr.width(), lr.height(), scale,
         path.string(), full_width, full_height);
  return {crop(lr, 0, 0, hr.width() / scale, hr.height() / scale), hr, path.string()};
}

/// Mean difference between neighbours: a flat sky has none, a meadow much.
double detail(const cv::Mat& pixels) {
  const cv::Rect left(0, 0, pixels.cols - 1, pixels.rows - 1);
  const cv::Mat here = pixels(left);
  return cv::norm(here, pixels(left + cv::Point(1, 0)), cv::NORM_L1) +
         cv::norm(here, pixels(left + cv::Point(0, 1)), cv::NORM_L1);
}

/// OpenCV's own takes pixels of at most 32 bytes.
cv::Mat transposed(const cv::Mat& pixels) {
  if (pixels.elemSize() <= 32) return pixels.t();
  std::vector<cv::Mat> bands;
  cv::split(pixels, bands);
  for (cv::Mat& band : bands) band = band.t();
  cv::Mat result;
  cv::merge(bands, result);
  return result;
}

/// One of the eight flips and quarter turns: of a picture, and of a part of a picture of `size`.
Image turned(const cv::Mat& view, std::uint64_t orientation) {
  cv::Mat result = view.clone();
  if (orientation & 1) cv::flip(result, result, 1);
  if (orientation & 2) cv::flip(result, result, 0);
  if (orientation & 4) result = transposed(result);
  return Image(result);
}

cv::Rect turned(cv::Rect part, cv::Size size, std::uint64_t orientation) {
  if (orientation & 1) part.x = size.width - part.x - part.width;
  if (orientation & 2) part.y = size.height - part.y - part.height;
  if (orientation & 4) return {part.y, part.x, part.height, part.width};
  return part;
}

cv::Rect scaled(const cv::Rect& rect, int scale) {
  return {rect.x * scale, rect.y * scale, rect.width * scale, rect.height * scale};
}

/// Not degraded yet.
std::vector<ImagePair> read_pairs(const PairSourceOptions& options, PairStore& store) {
  if (options.hr.empty()) fail_setting(ErrorKind::usage, "data", "no pictures are given");
  const auto files = readable_pictures(find_files(options));
  if (files.empty()) fail_without_pictures(options.hr);
  std::vector<ImagePair> pairs(files.size());
  Progress progress("reading pictures", static_cast<double>(files.size()));
  std::atomic<int> done{0};
  parallel_for(files.size(), [&](std::size_t i) {
    pairs[i] = load_pair(files[i], options);
    store.keep(pairs[i]);
    progress.update(++done);
  });
  return pairs;
}

void degrade_fixed(std::vector<ImagePair>& pairs, const PairSourceOptions& options) {
  if (!options.degradation || !options.lr.empty()) return;
  parallel_for(pairs.size(), [&](std::size_t i) {
    pairs[i].lr = options.degradation->apply(pairs[i].hr, options.scale, validation_seed, i);
  });
}

}  // namespace

std::vector<ImagePair> load_pairs(const PairSourceOptions& options) {
  PairStore store(options.memory, options.scratch);
  std::vector<ImagePair> pairs = read_pairs(options, store);
  degrade_fixed(pairs, options);
  return pairs;
}

DataCheck check_pairs(const PairSourceOptions& options) {
  const auto files = find_files(options);
  DataCheck check{files.size(), std::vector<std::string>(files.size())};
  parallel_for(files.size(), [&](std::size_t i) {
    try {
      const ImagePair pair = load_pair(files[i], options);
      if (std::min(pair.lr.width(), pair.lr.height()) < options.crop)
        check.defects[i] = fmt::format("{}: {}x{} is smaller than a crop of {}", pair.name, pair.hr.width(),
                                       pair.hr.height(), options.crop * options.scale);
    } catch (const Error& error) {
      check.defects[i] = error.what();
    }
  });
  std::erase(check.defects, "");
  if (files.empty()) check.defects.push_back("no pictures found");
  return check;
}

PairSource::PairSource(const PairSourceOptions& options) : PairSource({}, options) {}

PairSource::PairSource(std::vector<ImagePair> pairs, const PairSourceOptions& options)
    : options_(options),
      store_(std::make_unique<PairStore>(options.memory, options.scratch)),
      pairs_(std::move(pairs)) {
  if (options_.degradation && !options_.lr.empty())
    fail_setting(ErrorKind::usage, "lr_data",
                 "{}: low-resolution pictures are given, but the recipe's degradation makes them; drop one of the two",
                 options_.lr.string());
  if (pairs_.empty()) pairs_ = read_pairs(options_, *store_);
  drop_small_and_weigh();
  if (options_.usm_target)
    parallel_for(pairs_.size(), [&](std::size_t i) {
      pairs_[i].sharp = usm_sharpen(pairs_[i].hr);
      store_->keep(pairs_[i], pairs_[i].sharp);
    });
  if (const std::uint64_t moved = store_->moved(); moved > 0)
    log(LogLevel::info, "{} of the pictures lie in a file in {}, beyond what memory holds",
        format_bytes(static_cast<double>(moved)),
        options_.scratch.empty() ? fs::temp_directory_path().string() : options_.scratch.string());
}

PairSource::~PairSource() = default;

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
    held.front().sharp = {};
    pairs_.erase(position);
  }
  degrade_fixed(held, options_);
  drop_small_and_weigh();
  return held;
}

/// Where a crop lies, in low-resolution pixels.
struct PairSource::Place {
  const ImagePair* pair;
  cv::Rect lr;
  cv::Mat pixels() const { return pair->lr.pixels(lr); }
};

PairSource::Place PairSource::draw_place(Rng& rng) const {
  std::size_t index = 0;
  if (options_.by_area) {
    const double target = rng.uniform() * cumulative_area_.back();
    const auto found = std::upper_bound(cumulative_area_.begin(), cumulative_area_.end(), target);
    index = std::min<std::size_t>(found - cumulative_area_.begin(), pairs_.size() - 1);
  } else {
    index = rng.below(pairs_.size());
  }
  const ImagePair& pair = pairs_[index];
  const int side = options_.crop;
  const int x = static_cast<int>(rng.below(pair.lr.width() - side + 1));
  const int y = static_cast<int>(rng.below(pair.lr.height() - side + 1));
  return {&pair, cv::Rect(x, y, side, side)};
}

ImagePair PairSource::draw(Rng& rng) const {
  Place place = draw_place(rng);
  double most = options_.candidates > 1 ? detail(place.pixels()) : 0;
  for (int i = 1; i < options_.candidates; ++i) {
    const Place other = draw_place(rng);
    if (const double there = detail(other.pixels()); there > most) {
      place = other;
      most = there;
    }
  }
  const std::uint64_t orientation = options_.augment ? rng.below(8) : 0;
  ImagePair pair = cut(place, orientation);
  if (options_.degradation) pair.lr = degrade_around(place, orientation, rng);
  return pair;
}

ImagePair PairSource::cut(const Place& place, std::uint64_t orientation) const {
  const ImagePair& whole = *place.pair;
  const cv::Rect hr = scaled(place.lr, options_.scale);
  ImagePair pair{turned(place.pixels(), orientation), turned(whole.hr.pixels(hr), orientation), whole.name};
  if (!whole.sharp.empty()) pair.sharp = turned(whole.sharp.pixels(hr), orientation);
  return pair;
}

Image PairSource::degrade_around(const Place& place, std::uint64_t orientation, Rng& rng) const {
  const int margin = options_.degradation->margin, scale = options_.scale;
  // JPEG's blocks of 8 x 8 start at the region's corner; the crop must lie anywhere among them.
  const auto before = [&] {
    return margin < 4 ? static_cast<int>(rng.below(2 * margin + 1)) : margin - 4 + static_cast<int>(rng.below(8));
  };
  const int left = before(), top = before();
  const cv::Rect wanted(place.lr.x - left, place.lr.y - top, place.lr.width + 2 * margin, place.lr.height + 2 * margin);
  const cv::Rect region = wanted & cv::Rect({}, place.pair->lr.pixels.size());
  const Image& source = place.pair->sharp.empty() ? place.pair->hr : place.pair->sharp;
  const Image around = turned(source.pixels(scaled(region, scale)), orientation);
  const cv::Rect part = turned(place.lr - region.tl(), region.size(), orientation);
  return crop(options_.degradation->apply(around, scale, rng), part.x, part.y, part.width, part.height);
}

}  // namespace ganvas
