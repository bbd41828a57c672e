#include "ganvas/data/pair_source.hpp"

#include <fstream>
#include <functional>
#include <map>
#include <opencv2/core.hpp>
#include <set>

#include "ganvas/imaging/picture_files.hpp"
#include "ganvas/imaging/resize.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::data);
    return error.what();
  }
  return "was accepted";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Pairs whose pixels tell where they come from: red the picture, green the column, blue the row (LR pixels).
std::vector<ImagePair> coordinate_pairs(const std::vector<cv::Size>& sizes, int scale) {
  std::vector<ImagePair> pairs;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Image lr(sizes[i].width, sizes[i].height, 3, Depth::u8);
    for (int y = 0; y < lr.height(); ++y)
      for (int x = 0; x < lr.width(); ++x) lr.pixels.at<cv::Vec3b>(y, x) = cv::Vec3b(i, x, y);
    Image hr(lr.width() * scale, lr.height() * scale, 3, Depth::u8);
    for (int y = 0; y < hr.height(); ++y)
      for (int x = 0; x < hr.width(); ++x)
        hr.pixels.at<cv::Vec3b>(y, x) = lr.pixels.at<cv::Vec3b>(y / scale, x / scale);
    pairs.push_back({lr, hr, fmt::format("{}", i)});
  }
  return pairs;
}

}  // namespace

TEST_CASE(
    "pairs: LR and HR crops show the same place in the same orientation, all eight occur, larger pictures more often") {
  PairSourceOptions options{.hr = {}, .lr = {}, .scale = 2, .crop = 4};
  PairSource source(coordinate_pairs({{20, 10}, {10, 10}, {3, 50}, {30, 20}}, 2), options);
  CHECK(source.skipped() == 1);  // 3 pixels wide
  REQUIRE(source.pairs().size() == 3);
  std::map<int, int> pictures;
  std::set<std::pair<int, int>> orientations, corners;
  Rng rng(1);
  constexpr int draws = 4000;
  for (int i = 0; i < draws; ++i) {
    const ImagePair pair = source.draw(rng);
    REQUIRE(pair.lr.width() == 4);
    REQUIRE(pair.hr.height() == 8);
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x)
        REQUIRE(pair.hr.pixels.at<cv::Vec3b>(y, x) == pair.lr.pixels.at<cv::Vec3b>(y / 2, x / 2));
    const cv::Vec3b origin = pair.lr.pixels.at<cv::Vec3b>(0, 0), right = pair.lr.pixels.at<cv::Vec3b>(0, 1),
                    below = pair.lr.pixels.at<cv::Vec3b>(1, 0);
    ++pictures[origin[0]];
    orientations.insert(
        {right[1] - origin[1] + 3 * (right[2] - origin[2]), below[1] - origin[1] + 3 * (below[2] - origin[2])});
    const cv::Vec3b opposite = pair.lr.pixels.at<cv::Vec3b>(3, 3);
    if (origin[0] == 1) corners.insert({std::min(origin[1], opposite[1]), std::min(origin[2], opposite[2])});
  }
  CHECK(orientations.size() == 8);
  CHECK(corners.size() == 7 * 7);  // every position of the 10x10 picture, the last included
  // By area: 200, 100, 600 of 900 (five standard errors).
  for (const auto& [picture, area] : {std::pair{0, 200}, {1, 100}, {3, 600}})
    CHECK(std::abs(pictures[picture] - draws * area / 900) < 5 * std::sqrt(draws * 0.25));

  options.augment = false;
  PairSource plain(coordinate_pairs({{9, 9}}, 2), options);
  for (int i = 0; i < 50; ++i) {
    const ImagePair pair = plain.draw(rng);
    CHECK(pair.lr.pixels.at<cv::Vec3b>(3, 3) - pair.lr.pixels.at<cv::Vec3b>(0, 0) == cv::Vec3b(0, 3, 3));
  }
}

TEST_CASE("pairs: what is held out is not trained on, and nothing is lost") {
  const PairSourceOptions options{.hr = {}, .lr = {}, .scale = 2, .crop = 4};
  for (const int total : {1, 2, 3, 10, 35})
    for (const int count : {0, 1, 2, 5, 100}) {
      INFO(total << " " << count);
      PairSource source(coordinate_pairs(std::vector<cv::Size>(total, {8, 8}), 2), options);
      const auto held = source.hold_out(count);
      // A small set gives one, a larger one at most a tenth.
      CHECK(static_cast<int>(held.size()) == (total < 2 ? 0 : std::min(count, std::max(1, total / 10))));
      std::set<std::string> names;
      for (const auto& pair : held) CHECK(names.insert(pair.name).second);
      for (const auto& pair : source.pairs()) CHECK(names.insert(pair.name).second);
      CHECK(static_cast<int>(names.size()) == total);
      std::set<int> forbidden;
      for (const auto& pair : held) forbidden.insert(pair.lr.pixels.at<cv::Vec3b>(0, 0)[0]);
      Rng rng(2);
      for (int i = 0; i < 50; ++i) CHECK_FALSE(forbidden.contains(source.draw(rng).lr.pixels.at<cv::Vec3b>(0, 0)[0]));
    }
}

TEST_CASE(
    "pairs from folders: LR made by bicubic or given, odd sizes, gray, 16 bit, alpha, notes beside the pictures") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "hr/sub");
  fs::create_directories(folder / "lr");
  const Image a = noise(43, 30, 3, Depth::u8, 1);
  write_image(folder / "hr/a.png", a);
  write_image(folder / "hr/sub/gray.png", noise(40, 40, 1, Depth::u16, 2));
  write_image(folder / "hr/sub/alpha.png", noise(40, 41, 4, Depth::u8, 3));
  std::ofstream(folder / "hr/notes.txt") << "no picture";
  PairSourceOptions options{.hr = {folder / "hr"}, .lr = {}, .scale = 4, .crop = 4};
  CHECK(list_pictures(options.hr).size() == 3);
  auto pairs = load_pairs(options);
  REQUIRE(pairs.size() == 3);
  for (const auto& pair : pairs) {
    const int type = contains(pair.name, "gray") ? CV_16UC3 : CV_8UC3;  // depths stay
    CHECK(pair.lr.pixels.type() == type);
    CHECK(pair.hr.pixels.type() == type);
    CHECK(pair.hr.width() == pair.lr.width() * 4);
    CHECK(pair.hr.height() == pair.lr.height() * 4);
    CHECK(same(pair.lr, shrink_bicubic(pair.hr, 4)));
  }
  CHECK(pairs[0].hr.width() == 40);
  CHECK(pairs[0].hr.height() == 28);
  CHECK(same(pairs[0].hr, Image(a.pixels(cv::Rect(0, 0, 40, 28)).clone())));
  CHECK(check_pairs(options).defects.empty());

  // Given LR files, by the same name or DIV2K's.
  options.lr = folder / "lr";
  CHECK(contains(refusal([&] { load_pairs(options); }), "no picture of this name"));
  const Image lr = noise(10, 7, 3, Depth::u8, 4);
  write_image(folder / "lr/a.png", lr);
  write_image(folder / "lr/grayx4.png", noise(10, 10, 3, Depth::u8, 5));
  write_image(folder / "lr/alpha.bmp", noise(10, 10, 3, Depth::u8, 6));
  pairs = load_pairs(options);
  CHECK(same(pairs[0].lr, lr));
  write_image(folder / "lr/a.png", noise(9, 7, 3, Depth::u8, 4));
  const std::string message = refusal([&] { load_pairs(options); });
  CHECK(contains(message, "9x7"));
  CHECK(contains(message, "43x30"));
  const auto defects = check_pairs(options).defects;
  REQUIRE(defects.size() == 1);
  CHECK(contains(defects[0], "9x7"));
}

TEST_CASE("pairs: empty, missing, broken and too small data are refused by name") {
  const TemporaryFolder folder;
  PairSourceOptions options{.hr = {folder.path()}, .lr = {}, .scale = 4, .crop = 8};
  CHECK(contains(refusal([&] { PairSource source(options); }), folder.path().string() + ": no pictures"));
  CHECK(check_pairs(options).defects == std::vector<std::string>{"no pictures found"});
  options.hr = {folder / "absent"};
  CHECK(contains(refusal([&] { PairSource source(options); }), "absent: no such"));
  options.hr = {folder.path()};
  write_image(folder / "small.png", noise(31, 50, 3, Depth::u8));
  const std::string small = refusal([&] { PairSource source(options); });
  CHECK(contains(small, "32x32"));
  CHECK(contains(small, "data.crop"));
  CHECK(check_pairs(options).defects.size() == 1);
  write_image(folder / "large.png", noise(50, 50, 3, Depth::u8));
  CHECK(PairSource(options).skipped() == 1);
  write_image(folder / "tiny.png", noise(3, 50, 3, Depth::u8));
  CHECK(contains(refusal([&] { PairSource source(options); }), "tiny.png"));
  fs::remove(folder / "tiny.png");
  std::ofstream(folder / "broken.png") << "this is text";
  try {
    PairSource source(options);
    FAIL("was accepted");
  } catch (const Error& error) {
    CHECK(contains(error.what(), "broken.png"));
  }
  const auto defects = check_pairs(options).defects;
  REQUIRE(defects.size() == 2);
  CHECK(contains(defects[0], "broken.png"));
  CHECK(contains(defects[1], "small.png"));
}

TEST_CASE("pairs: samples of a run in the folder are no pictures, LR partners lie in the same subfolder") {
  const TemporaryFolder folder;
  for (const char* name : {"hr/s1/a.png", "hr/s2/a.png", "hr/runs/mine/samples/step_1/x.png", "hr/b.PNG"}) {
    fs::create_directories((folder / name).parent_path());
    write_image(folder / name, noise(16, 16, 3, Depth::u8, static_cast<int>(std::string(name).size())));
  }
  std::ofstream(folder / "hr/runs/mine/recipe.toml") << "x";
  CHECK(list_pictures(folder / "hr").size() == 4);
  std::ofstream(folder / "hr/runs/mine/log.jsonl") << "";
  CHECK(list_pictures(folder / "hr").size() == 3);
  CHECK(list_pictures(folder / "hr/runs/mine/samples").size() == 1);  // asked for by name

  int shade = 0;
  for (const char* name : {"lr/s1/a.png", "lr/s2/ax2.png", "lr/b.PNG"}) {
    fs::create_directories((folder / name).parent_path());
    Image lr(8, 8, 3, Depth::u8);
    lr.pixels.setTo(cv::Scalar::all(++shade));
    write_image(folder / name, lr);
  }
  const auto pairs = load_pairs({.hr = {folder / "hr"}, .lr = folder / "lr", .scale = 2, .crop = 4});
  REQUIRE(pairs.size() == 3);
  for (const auto& pair : pairs) {
    CAPTURE(pair.name);
    const int expected = contains(pair.name, "s1") ? 1 : contains(pair.name, "s2") ? 2 : 3;
    CHECK(pair.lr.pixels.at<cv::Vec3b>(0, 0)[0] == expected);
  }
}

TEST_CASE("pairs: what memory doesn't hold lies on disk, and the crops are the same") {
  const TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) write_image(folder / fmt::format("p{}.png", i), noise(40 + i, 30, 3, Depth::u8, i + 1));
  const auto draws = [&](std::uint64_t memory, bool sharpened) {
    PairSourceOptions options{.hr = {folder.path()}, .lr = {}, .scale = 2, .crop = 8, .usm_target = sharpened};
    options.memory = memory;
    options.scratch = folder / "scratch";
    const PairSource source(options);
    CHECK((source.pairs()[3].store != nullptr) == (memory == 1));
    Rng rng(5);
    std::vector<ImagePair> drawn;
    for (int i = 0; i < 20; ++i) drawn.push_back(source.draw(rng));
    return drawn;
  };
  for (const bool sharpened : {false, true}) {
    const auto inside = draws(1 << 30, sharpened), outside = draws(1, sharpened);
    for (std::size_t i = 0; i < inside.size(); ++i) {
      CHECK(same(inside[i].hr, outside[i].hr));
      CHECK(same(inside[i].lr, outside[i].lr));
      if (sharpened) CHECK(same(inside[i].sharp, outside[i].sharp));
    }
  }
  CHECK(fs::is_empty(folder / "scratch"));
}

TEST_CASE("pairs: gray, 16-bit pictures and bands keep channels and depth") {
  const TemporaryFolder folder;
  struct Kind {
    int stored, wanted;
    Depth depth;
  };
  for (const auto& [stored, wanted, depth] : {Kind{1, 1, Depth::u8},
                                              {3, 1, Depth::u8},
                                              {3, 3, Depth::u16},
                                              {1, 3, Depth::u16},
                                              {6, 6, Depth::u16},
                                              {9, 9, Depth::f32},
                                              {4, 4, Depth::u8}}) {
    CAPTURE(stored);
    const fs::path place = folder / fmt::format("{}-{}", stored, wanted);
    fs::create_directories(place);
    const Image picture = noise(24, 20, stored, depth);
    write_image(place / "a.tif", picture);
    PairSourceOptions options{.hr = {place}, .lr = {}, .scale = 2, .channels = wanted, .crop = 4};
    const PairSource source(options);
    CHECK(source.pairs()[0].hr.channels() == wanted);
    CHECK(source.pairs()[0].hr.depth() == depth);
    CHECK(source.pairs()[0].lr.channels() == wanted);
    if (stored == wanted) CHECK(same(source.pairs()[0].hr, picture));
    Rng rng(1);
    for (int i = 0; i < 16; ++i) CHECK(source.draw(rng).hr.channels() == wanted);  // quarter turns among them
  }
  PairSourceOptions six{.hr = {folder / "6-6"}, .lr = {}, .scale = 2, .crop = 4};
  CHECK(contains(refusal([&] { PairSource source(six); }), "generator.in_channels"));
}
