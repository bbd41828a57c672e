#include "ganvas/data/translation_source.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <opencv2/core.hpp>
#include <optional>

#include "data/parallel.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/palette.hpp"
#include "ganvas/imaging/picture_partners.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// Where the two sides are; b empty: a holds side-by-side files.
struct Sides {
  fs::path a, b;
};

/// The subfolders A and B of a place, if that is how it is laid out.
std::optional<Sides> subfolders(const fs::path& place) {
  for (const auto& [a, b] : {std::pair{"A", "B"}, {"trainA", "trainB"}})
    if (fs::is_directory(place / a) && fs::is_directory(place / b)) return Sides{place / a, place / b};
  return std::nullopt;
}

Sides find_sides(const TranslationSourceOptions& options) {
  const auto& places = options.places;
  if (places.empty()) fail_setting(ErrorKind::usage, "data", "no pictures are given");
  if (places.size() > 2)
    fail_setting(ErrorKind::usage, "places", "{} folders are given; translation takes one, or A's and B's",
                 places.size());
  if (places.size() == 2) return {places[0], places[1]};
  if (!fs::exists(places[0])) fail(ErrorKind::data, "{}: {}", places[0].string(), why_not_there(places[0]));
  if (const auto found = subfolders(places[0])) return *found;
  if (!options.paired)
    fail_setting(ErrorKind::data, "places", "{}: has no subfolders A and B (or trainA and trainB)", places[0].string());
  return {places[0], {}};
}

/// The pictures of one side of strangers.
std::vector<PictureFile> side(const fs::path& place, const fs::path& other) {
  return require_pictures({place}, {.others = {other}});
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

/// Pictures with their partners, or side-by-side files.
std::vector<PictureFile> find_pairs(const Sides& sides) {
  return sides.b.empty() ? require_pictures({sides.a}) : pair_pictures(sides.a, sides.b);
}

TranslationPair read_pair(const PictureFile& file) {
  if (!file.problem.empty()) fail(ErrorKind::data, "{}: {}", file.path.string(), file.problem);
  return file.partner.empty() ? split_in_two(file.path) : read_two(file.path, file.partner);
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

TranslationSource::Picture TranslationSource::prepared(const Image& image, Side side, const std::string& name) const {
  const Image converted = [&] {
    try {
      return with_channels(image, side == Side::a ? options_.a_channels : options_.b_channels);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{}: {}; set generator.{}", name, error.what(),
                                            side == Side::a ? "in_channels" : "out_channels"));
    }
  }();
  const cv::Size size = loaded_size(converted.pixels.size(), options_);
  if (crops() && std::min(size.width, size.height) < options_.crop)
    fail(ErrorKind::data, "{}: {}x{} (after resizing) is smaller than a crop of {}; lower data.crop or raise data.load",
         name, size.width, size.height, options_.crop);
  return {size == converted.pixels.size() ? converted : resize(converted, size.width, size.height), name};
}

void TranslationSource::load_paired() {
  const auto files = readable_pictures(find_pairs(find_sides(options_)));
  a_.resize(files.size());
  b_.resize(files.size());
  parallel_for(files.size(), [&](std::size_t i) {
    TranslationPair pair = read_pair(files[i]);
    std::string a = pair.name, b = files[i].partner.empty() ? a : files[i].partner.string();
    if (options_.b_to_a) {
      std::swap(pair.a, pair.b);
      std::swap(a, b);
    }
    a_[i] = prepared(pair.a, Side::a, a);
    b_[i] = prepared(pair.b, Side::b, b);
  });
}

void TranslationSource::load_unpaired() {
  Sides sides = find_sides(options_);
  if (options_.b_to_a) std::swap(sides.a, sides.b);
  const auto load = [&](const std::vector<PictureFile>& files, Side which, std::vector<Picture>& pictures) {
    pictures.resize(files.size());
    parallel_for(files.size(), [&](std::size_t i) {
      pictures[i] = prepared(read_image(files[i].path).image, which, files[i].path.string());
    });
  };
  load(readable_pictures(side(sides.a, sides.b)), Side::a, a_);
  load(readable_pictures(side(sides.b, sides.a)), Side::b, b_);
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

TranslationPair TranslationSource::told(TranslationPair pair) const {
  if (options_.palettes) pair.a = with_palette(pair.a, palette_of(pair.b));
  return pair;
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
  return told({cut(a_[i].image, cut_a), cut(b_[k].image, cut_b), a_[i].name});
}

TranslationPair TranslationSource::middles(std::size_t a, std::size_t b) const {
  return told({cut(a_[a].image, {}), cut(b_[b].image, {}), a_[a].name});
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

DataCheck check_translation(const TranslationSourceOptions& options) {
  const Sides sides = find_sides(options);
  std::vector<std::function<void()>> reads;
  if (options.paired) {
    for (const auto& file : find_pairs(sides)) reads.emplace_back([file] { read_pair(file); });
  } else {
    for (const auto& pictures : {side(sides.a, sides.b), side(sides.b, sides.a)})
      for (const auto& picture : pictures)
        reads.emplace_back([picture] {
          if (!picture.problem.empty()) fail(ErrorKind::data, "{}: {}", picture.path.string(), picture.problem);
          read_image(picture.path);
        });
  }
  DataCheck check{reads.size(), std::vector<std::string>(reads.size())};
  parallel_for(reads.size(), [&](std::size_t i) {
    try {
      reads[i]();
    } catch (const Error& error) {
      check.defects[i] = error.what();
    }
  });
  std::erase(check.defects, "");
  return check;
}

}  // namespace ganvas
