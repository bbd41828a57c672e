// Paired and unpaired pictures for translation: which belong together, how they are cut, what is refused.
#include "ganvas/data/translation_source.hpp"

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/palette.hpp"
#include "imaging/pictures.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// Red counts the columns, green the rows, blue is the picture's number: a crop says where it comes from.
Image map_of(int width, int height, int number, int channels = 3) {
  Image image(width, height, 3, Depth::u8);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      image.pixels.at<cv::Vec3b>(y, x) = {static_cast<std::uint8_t>(x), static_cast<std::uint8_t>(y),
                                          static_cast<std::uint8_t>(number)};
  return channels == 1 ? to_gray(image) : image;
}

void write(const fs::path& file, const Image& image) {
  fs::create_directories(file.parent_path());
  write_image(file, image);
}

TranslationSourceOptions crops_of(std::vector<fs::path> places, bool paired, int crop) {
  TranslationSourceOptions options;
  options.places = std::move(places);
  options.paired = paired;
  options.preprocess = "crop";
  options.crop = crop;
  return options;
}

}  // namespace

TEST_CASE("translation source: partners stay together, cut and mirrored alike, from files and from two folders") {
  const TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) {
    const Image a = map_of(30, 22, i), b = map_of(30, 22, 100 + i);
    cv::Mat both;
    cv::hconcat(a.pixels, b.pixels, both);
    write(folder / "sides" / fmt::format("{}.png", i), Image(both));
    write(folder / "a" / fmt::format("{}.png", i), a);
    write(folder / "b" / fmt::format("{}.bmp", i), b);
  }
  for (const auto& places : std::vector<std::vector<fs::path>>{{folder / "sides"}, {folder / "a", folder / "b"}})
    for (const bool b_to_a : {false, true}) {
      auto options = crops_of(places, true, 16);
      options.b_to_a = b_to_a;
      const TranslationSource source(options);
      bool mirrored = false, straight = false;
      for (std::uint64_t k = 0; k < 40; ++k) {
        Rng rng = Rng::for_item(3, k), again = Rng::for_item(3, k);
        const TranslationPair pair = source.draw(rng);
        CHECK(same(pair.a, source.draw(again).a));
        REQUIRE(pair.a.width() == 16);
        REQUIRE(pair.b.height() == 16);
        cv::Mat a[3], b[3];
        cv::split(pair.a.pixels, a);
        cv::split(pair.b.pixels, b);
        CHECK(cv::norm(a[0], b[0]) == 0);
        CHECK(cv::norm(a[1], b[1]) == 0);
        const int number = a[2].at<std::uint8_t>(0, 0), partner = b[2].at<std::uint8_t>(0, 0);
        CHECK(partner - number == (b_to_a ? -100 : 100));
        (a[0].at<std::uint8_t>(0, 0) > a[0].at<std::uint8_t>(0, 1) ? mirrored : straight) = true;
      }
      CHECK(mirrored);
      CHECK(straight);
    }
}

TEST_CASE("translation source: A is told the palette of the very part of B that it is shown with") {
  const TemporaryFolder folder;
  write(folder / "a/p.png", map_of(40, 30, 3));
  write(folder / "b/p.png", noise(40, 30, 3, Depth::u8));
  auto options = crops_of({folder / "a", folder / "b"}, true, 16);
  options.palettes = true;
  const TranslationSource source(options);
  Rng rng = Rng::for_item(1, 1);
  for (const TranslationPair& pair : {source.draw(rng), source.all().front()})
    CHECK(same(pair.a, with_palette(without_palette(pair.a, 3), palette_of(pair.b))));
}

TEST_CASE("translation source: unpaired pictures are drawn independently") {
  const TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) write(folder / "set/trainA" / fmt::format("{}.png", i), map_of(20, 24, i));
  for (int i = 0; i < 3; ++i) write(folder / "set/trainB" / fmt::format("x{}.png", i), map_of(26, 20, 50 + i));
  TranslationSource source(crops_of({folder / "set"}, false, 16));
  CHECK(source.a_count() == 4);
  CHECK(source.b_count() == 3);
  std::set<std::pair<int, int>> seen;
  for (std::uint64_t k = 0; k < 200; ++k) {
    Rng rng = Rng::for_item(1, k);
    const TranslationPair pair = source.draw(rng);
    seen.emplace(pair.a.pixels.at<cv::Vec3b>(0, 0)[2], pair.b.pixels.at<cv::Vec3b>(0, 0)[2]);
  }
  CHECK(seen.size() == 12);
  // What is held out is gone from training.
  const auto held = source.hold_out(1);
  REQUIRE(held.size() == 1);
  CHECK(source.a_count() == 3);
  CHECK(source.b_count() == 2);
  const int kept_out = held[0].a.pixels.at<cv::Vec3b>(0, 0)[2];
  for (std::size_t i = 0; i < source.a_count(); ++i) CHECK(source.a(i).pixels.at<cv::Vec3b>(0, 0)[2] != kept_out);
}

TEST_CASE("translation source: sizes after each way of preparing, channels and 16 bit") {
  const TemporaryFolder folder;
  for (const char* side : {"A", "B"}) write(folder / side / "p.png", map_of(60, 40, 7));
  const auto size = [&](const std::string& way, int load, int crop) {
    TranslationSourceOptions options;
    options.places = {folder.path()};
    options.preprocess = way;
    options.load = load;
    options.crop = crop;
    Rng rng(1);
    return TranslationSource(options).draw(rng).a.pixels.size();
  };
  CHECK(size("resize_and_crop", 36, 32) == cv::Size(32, 32));
  CHECK(size("crop", 36, 24) == cv::Size(24, 24));
  CHECK(size("scale_width", 30, 32) == cv::Size(30, 20));
  CHECK(size("scale_shortside", 20, 32) == cv::Size(30, 20));
  CHECK(size("scale_width_and_crop", 60, 32) == cv::Size(32, 32));
  CHECK(size("scale_shortside_and_crop", 40, 40) == cv::Size(40, 40));
  CHECK(size("none", 36, 32) == cv::Size(60, 40));

  write(folder / "deep/A/p.png", to_depth(map_of(20, 20, 7), Depth::u16));
  write(folder / "deep/B/p.png", to_depth(map_of(20, 20, 9, 1), Depth::u16));
  auto options = crops_of({folder / "deep"}, true, 16);
  options.b_channels = 1;
  const Batch batch = make_translation_batch(TranslationSource(options), 2, 5, 0);
  CHECK(batch.at("a").sizes().vec() == std::vector<std::int64_t>{2, 3, 16, 16});
  CHECK(batch.at("b").sizes().vec() == std::vector<std::int64_t>{2, 1, 16, 16});
  CHECK(batch.at("a").max().item<float>() <= 20.0F / 255);
}

TEST_CASE("translation source: what doesn't fit is named") {
  const TemporaryFolder folder;
  write(folder / "A/a.png", map_of(20, 20, 1));
  write(folder / "A/lonely.png", map_of(20, 20, 1));
  write(folder / "A/other.png", map_of(20, 20, 1));
  write(folder / "B/a.png", map_of(20, 20, 1));
  write(folder / "B/other.png", map_of(20, 18, 1));
  write_file_atomically(folder / "A/broken.png", std::string("no picture"));
  write_file_atomically(folder / "B/broken.png", std::string("no picture"));
  const auto defects = check_translation(crops_of({folder.path()}, true, 16)).defects;
  CHECK(defects.size() == 3);
  const std::string all = fmt::format("{}", fmt::join(defects, "\n"));
  CHECK(says(all, {"lonely.png", "no picture of this name", "other.png", "20x18", "broken.png"}));
  CHECK(check_translation(crops_of({folder.path()}, false, 16)).defects.size() == 2);  // only the broken ones

  const auto refused = [&](TranslationSourceOptions options) {
    return refusal(ErrorKind::data, [&] { TranslationSource source(options); });
  };
  says(refused(crops_of({folder / "none"}, true, 16)), {"none"});
  fs::create_directories(folder / "empty");
  says(refused(crops_of({folder / "empty"}, true, 16)), {"empty", "no pictures"});
  write(folder / "odd/x.png", map_of(21, 20, 1));
  says(refused(crops_of({folder / "odd"}, true, 16)), {"x.png", "21"});
  // Of partners the one whose channels don't fit, with the key that would.
  TranslationSourceOptions banded = crops_of({folder / "maps", folder / "photos"}, true, 16);
  write(folder / "maps/x.png", map_of(20, 20, 1));
  write(folder / "photos/x.png", map_of(20, 20, 1));
  banded.b_channels = 6;
  says(refused(banded), {"photos/x.png", "set generator.out_channels"});
  banded.b_to_a = true;
  says(refused(banded), {"maps/x.png", "set generator.out_channels"});
  std::swap(banded.a_channels, banded.b_channels);
  says(refused(banded), {"photos/x.png", "set generator.in_channels"});
  write(folder / "small/x.png", map_of(20, 10, 1));
  says(refused(crops_of({folder / "small"}, true, 16)), {"x.png", "smaller than a crop of 16"});
}
