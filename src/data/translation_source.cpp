#include "ganvas/data/translation_source.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <opencv2/core.hpp>
#include <optional>

#include "data/parallel.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/data/bridge.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/resize.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// Where the two sides of one scene, or the pictures of one side, are.
struct Sides {
  std::vector<fs::path> a, b;  ///< b empty: a are side-by-side files
};

/// The subfolders A and B of a place, if that is how it is laid out.
std::optional<std::pair<fs::path, fs::path>> subfolders(const fs::path& place) {
  for (const auto& [a, b] : {std::pair{"A", "B"}, {"trainA", "trainB"}})
    if (fs::is_directory(place / a) && fs::is_directory(place / b)) return std::pair{place / a, place / b};
  return std::nullopt;
}

std::vector<fs::path> pictures_of(const fs::path& place) {
  auto files = list_pictures({place});
  if (files.empty()) fail(ErrorKind::data, "{}: no pictures found", place.string());
  return files;
}

Sides find_sides(const TranslationSourceOptions& options) {
  const auto& places = options.places;
  if (places.empty()) fail(ErrorKind::usage, "--data DIR is missing: where are the pictures?");
  if (places.size() > 2)
    fail(ErrorKind::usage, "--data is given {} times; translation takes one folder, or A's and B's", places.size());
  if (places.size() == 2) return {pictures_of(places[0]), pictures_of(places[1])};
  if (!fs::exists(places[0])) fail(ErrorKind::data, "{}: no such file or folder", places[0].string());
  if (const auto found = subfolders(places[0])) return {pictures_of(found->first), pictures_of(found->second)};
  if (!options.paired)
    fail(ErrorKind::data,
         "{}: has no subfolders A and B (or trainA and trainB); give --data twice: A's folder, then B's",
         places[0].string());
  return {pictures_of(places[0]), {}};
}

/// Left and right half.
TranslationPair split_in_two(const fs::path& file) {
  const Image both = read_image(file).image;
  if (both.width() < 2 || both.width() % 2 != 0)
    fail(ErrorKind::data, "{}: {} pixels across can't be two pictures side by side", file.string(), both.width());
  const int half = both.width() / 2;
  const auto part = [&](int x) { return Image(both.pixels(cv::Rect(x, 0, half, both.height())).clone()); };
  return {part(0), part(half), file.string()};
}

TranslationPair read_two(const fs::path& a, const fs::path& b) {
  TranslationPair pair{read_image(a).image, read_image(b).image, a.string()};
  if (pair.a.pixels.size() != pair.b.pixels.size())
    fail(ErrorKind::data, "{}: {}x{}, but its partner {} is {}x{}", a.string(), pair.a.width(), pair.a.height(),
         b.string(), pair.b.width(), pair.b.height());
  return pair;
}

/// Partners by stem, in A's order. What has none goes to `defects`, or is thrown where that is null.
std::vector<std::pair<fs::path, fs::path>> partners(const Sides& sides, std::vector<std::string>* defects) {
  const auto report = [&](const std::string& defect) {
    if (!defects) fail(ErrorKind::data, "{}", defect);
    defects->push_back(defect);
  };
  std::map<std::string, fs::path> others;
  for (const auto& file : sides.b)
    if (const auto [other, fresh] = others.emplace(file.stem().string(), file); !fresh)
      report(fmt::format("{}: has the same name as {}", file.string(), other->second.string()));
  std::vector<std::pair<fs::path, fs::path>> pairs;
  for (const auto& file : sides.a) {
    const auto found = others.find(file.stem().string());
    if (found == others.end()) {
      report(fmt::format("{}: has no partner of this name", file.string()));
      continue;
    }
    pairs.emplace_back(file, found->second);
    others.erase(found);
  }
  for (const auto& [stem, file] : others) report(fmt::format("{}: has no partner of this name", file.string()));
  return pairs;
}

/// The size that a picture gets before it is cropped.
cv::Size loaded_size(cv::Size size, const TranslationSourceOptions& options) {
  const std::string& way = options.preprocess;
  if (way == "resize_and_crop") return {options.load, options.load};
  double factor = 1;
  if (way.starts_with("scale_width")) factor = static_cast<double>(options.load) / size.width;
  if (way.starts_with("scale_shortside"))
    factor = static_cast<double>(options.load) / std::min(size.width, size.height);
  const auto side = [factor](int length) { return std::max(1, static_cast<int>(std::lround(length * factor))); };
  return {side(size.width), side(size.height)};
}

}  // namespace

const std::vector<std::string>& translation_preprocesses() {
  static const std::vector<std::string> names{
      "resize_and_crop",          "crop", "scale_width", "scale_width_and_crop", "scale_shortside",
      "scale_shortside_and_crop", "none"};
  return names;
}

TranslationSource::TranslationSource(const TranslationSourceOptions& options) : options_(options) {
  if (options_.paired) load_paired();
  else load_unpaired();
}

bool TranslationSource::crops() const { return options_.preprocess.ends_with("crop"); }

TranslationSource::Picture TranslationSource::prepared(const Image& image, int channels,
                                                       const std::string& name) const {
  const Image converted = [&] {
    try {
      return with_channels(image, channels);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{}: {}; set generator.in_channels or out_channels", name, error.what()));
    }
  }();
  const cv::Size size = loaded_size(converted.pixels.size(), options_);
  if (crops() && std::min(size.width, size.height) < options_.crop)
    fail(ErrorKind::data, "{}: {}x{} (after resizing) is smaller than a crop of {}; lower data.crop or raise data.load",
         name, size.width, size.height, options_.crop);
  return {size == converted.pixels.size() ? converted : resize(converted, size.width, size.height), name};
}

void TranslationSource::load_paired() {
  const Sides sides = find_sides(options_);
  const auto pairs = sides.b.empty() ? std::vector<std::pair<fs::path, fs::path>>() : partners(sides, nullptr);
  const std::size_t count = sides.b.empty() ? sides.a.size() : pairs.size();
  a_.resize(count);
  b_.resize(count);
  parallel_for(count, [&](std::size_t i) {
    TranslationPair pair = sides.b.empty() ? split_in_two(sides.a[i]) : read_two(pairs[i].first, pairs[i].second);
    if (options_.b_to_a) std::swap(pair.a, pair.b);
    a_[i] = prepared(pair.a, options_.a_channels, pair.name);
    b_[i] = prepared(pair.b, options_.b_channels, pair.name);
  });
}

void TranslationSource::load_unpaired() {
  Sides sides = find_sides(options_);
  if (options_.b_to_a) std::swap(sides.a, sides.b);
  const auto load = [&](const std::vector<fs::path>& files, int channels, std::vector<Picture>& pictures) {
    pictures.resize(files.size());
    parallel_for(files.size(), [&](std::size_t i) {
      pictures[i] = prepared(read_image(files[i]).image, channels, files[i].string());
    });
  };
  load(sides.a, options_.a_channels, a_);
  load(sides.b, options_.b_channels, b_);
}

Image TranslationSource::cut(const Image& image, const Cut& how) const {
  cv::Mat part = image.pixels;
  if (crops()) {
    const auto place = [&](double share, int length) {
      return std::min(static_cast<int>(share * (length - options_.crop + 1)), length - options_.crop);
    };
    part =
        part(cv::Rect(place(how.across, image.width()), place(how.down, image.height()), options_.crop, options_.crop));
  }
  cv::Mat own;
  if (how.mirrored) cv::flip(part, own, 1);
  else own = part.clone();
  return Image(own);
}

TranslationPair TranslationSource::draw(Rng& rng) const {
  const std::size_t i = rng.below(a_.size());
  const std::size_t k = options_.paired ? i : rng.below(b_.size());
  const auto draw_cut = [&] {
    const double across = rng.uniform(), down = rng.uniform();
    return Cut{across, down, options_.flip && rng.below(2) == 1};
  };
  // Partners are cut alike, strangers each by itself.
  const Cut cut_a = draw_cut(), cut_b = options_.paired ? cut_a : draw_cut();
  return {cut(a_[i].image, cut_a), cut(b_[k].image, cut_b), a_[i].name};
}

TranslationPair TranslationSource::middles(std::size_t a, std::size_t b) const {
  return {cut(a_[a].image, {}), cut(b_[b].image, {}), a_[a].name};
}

std::vector<TranslationPair> TranslationSource::all() const {
  std::vector<TranslationPair> pairs;
  for (std::size_t i = 0; i < std::min(a_.size(), b_.size()); ++i) pairs.push_back(middles(i, i));
  return pairs;
}

std::vector<TranslationPair> TranslationSource::hold_out(int count) {
  const auto total = static_cast<int>(std::min(a_.size(), b_.size()));
  count = std::min(count, total < 2 ? 0 : std::max(1, total / 10));
  const auto place = [count](int i, const std::vector<Picture>& pictures) {
    return (2 * static_cast<std::size_t>(i) + 1) * pictures.size() / (2 * static_cast<std::size_t>(count));
  };
  std::vector<TranslationPair> held;
  std::vector<std::pair<std::size_t, std::size_t>> taken;
  for (int i = 0; i < count; ++i) {
    // Partners have the same place, since both sides are as many.
    taken.emplace_back(place(i, a_), place(i, b_));
    held.push_back(middles(taken.back().first, taken.back().second));
  }
  for (auto it = taken.rbegin(); it != taken.rend(); ++it) {
    a_.erase(a_.begin() + static_cast<std::ptrdiff_t>(it->first));
    b_.erase(b_.begin() + static_cast<std::ptrdiff_t>(it->second));
  }
  return held;
}

Batch make_translation_batch(const TranslationSource& source, int size, std::uint64_t seed, std::int64_t step) {
  std::vector<Image> a, b;
  for (int i = 0; i < size; ++i) {
    Rng rng = Rng::for_item(seed, static_cast<std::uint64_t>(step * size + i));
    TranslationPair pair = source.draw(rng);
    for (const auto& [images, image] : {std::pair{&a, &pair.a}, {&b, &pair.b}})
      if (!images->empty() && images->front().pixels.size() != image->pixels.size())
        fail(ErrorKind::recipe,
             "pictures of different sizes ({}x{}, {}x{}) in one batch: crop them, or take train.batch=1",
             images->front().width(), images->front().height(), image->width(), image->height());
    a.push_back(std::move(pair.a));
    b.push_back(std::move(pair.b));
  }
  return {{"a", tensor_from_images(a)}, {"b", tensor_from_images(b)}};
}

std::vector<std::string> check_translation(const TranslationSourceOptions& options) {
  const Sides sides = find_sides(options);
  std::vector<std::string> defects;
  std::vector<std::function<void()>> reads;
  if (options.paired && !sides.b.empty()) {
    for (const auto& [a, b] : partners(sides, &defects)) reads.emplace_back([a, b] { read_two(a, b); });
  } else if (options.paired) {
    for (const auto& file : sides.a) reads.emplace_back([&file] { split_in_two(file); });
  } else {
    for (const auto* side : {&sides.a, &sides.b})
      for (const auto& file : *side) reads.emplace_back([&file] { read_image(file); });
  }
  std::vector<std::string> found(reads.size());
  parallel_for(reads.size(), [&](std::size_t i) {
    try {
      reads[i]();
    } catch (const Error& error) {
      found[i] = error.what();
    }
  });
  std::erase(found, "");
  defects.insert(defects.end(), found.begin(), found.end());
  return defects;
}

}  // namespace ganvas
