#include "ganvas/report/compare.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>

#include "ganvas/imaging/codec.hpp"
#include "ganvas/metric/quality.hpp"
#include "report/fake_run.hpp"
#include "support/refusal.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

namespace {

/// The picture with noise in one square.
Image spoilt(const Image& image, const cv::Rect& area, int seed) {
  Image copy = image.clone();
  noise(area.width, area.height, image.channels(), Depth::u8, seed).pixels.copyTo(copy.pixels(area));
  return copy;
}

/// hr/ with cat and dog, a/ and b/ with results of them.
struct Folders {
  TemporaryFolder folder;
  Image cat = gradient(320, 240, 3, Depth::u8), dog = gradient(130, 140, 3, Depth::u8);
  cv::Rect spoilt_in_a{200, 20, 60, 60}, spoilt_in_b{20, 170, 50, 50};
  Folders() {
    for (const char* name : {"hr", "a", "b"}) fs::create_directories(folder / name);
    write_image(folder / "hr/cat.png", cat);
    write_image(folder / "hr/dog.png", dog);
    write_image(folder / "a/cat_x4.png", spoilt(cat, spoilt_in_a, 1));
    write_image(folder / "b/cat.png", spoilt(cat, spoilt_in_b, 2));
    write_image(folder / "a/dog_x4.png", spoilt(dog, {0, 0, 20, 20}, 3));
    write_image(folder / "b/dog-b.png", dog);
    write_image(folder / "b/dogs.png", dog);  // another picture, which begins alike
  }
  CompareOptions options() const {
    CompareOptions options;
    options.results = {folder / "a", folder / "b"};
    options.reference = folder / "hr";
    return options;
  }
  fs::path page() const { return folder / "page.html"; }
};

std::vector<int> numbers_in(const std::string& label) {
  std::vector<int> numbers(4);
  REQUIRE(std::sscanf(label.c_str(), "%d x %d at %d, %d", &numbers[0], &numbers[1], &numbers[2], &numbers[3]) == 4);
  return numbers;
}

}  // namespace

TEST_CASE("compare: figures are those of compare_pictures, means over pictures, extra columns behind them") {
  const Folders folders;
  CompareOptions options = folders.options();
  options.columns.push_back({"mean", true, [](const Image& result, const Image& reference) {
                               CHECK(result.pixels.size() == reference.pixels.size());
                               return cv::mean(result.pixels)[0];
                             }});
  const CompareSummary summary = compare_folders(options, folders.page());
  CHECK(summary.pictures == 2);
  CHECK(summary.failed == 0);
  CHECK(summary.columns == std::vector<std::string>{"psnr_y", "ssim_y", "mean"});
  REQUIRE(summary.means.size() == 2);
  CHECK(summary.means[0].first == "a");
  const Quality cat = compare_pictures(spoilt(folders.cat, folders.spoilt_in_a, 1), folders.cat, 4);
  const Quality dog = compare_pictures(spoilt(folders.dog, {0, 0, 20, 20}, 3), folders.dog, 4);
  CHECK(summary.means[0].second[0] == doctest::Approx((cat.psnr_y + dog.psnr_y) / 2));
  CHECK(summary.means[0].second[1] == doctest::Approx((cat.ssim_y + dog.ssim_y) / 2));
  CHECK(std::isinf(summary.means[1].second[0]));  // b's dog is perfect
  const auto data = page_data(folders.page());
  CHECK(data.at("rows")[0].at("name") == "cat");
  CHECK(data.at("rows")[0].at("figures")[0][0].get<double>() == doctest::Approx(cat.psnr_y).epsilon(1e-4));
  CHECK(data.at("rows")[1].at("figures")[1][0] == "inf");
  CHECK(data.at("columns")[2].at("name") == "mean");
}

TEST_CASE("compare: magnified areas lie where the results differ, and don't overlap") {
  const Folders folders;
  compare_folders(folders.options(), folders.page());
  const auto data = page_data(folders.page());
  const auto& views = data.at("rows")[0].at("views");
  REQUIRE(views.size() == 3);  // whole, and the two places; nowhere else is any difference
  CHECK(views[0].at("label") == "whole");
  std::vector<cv::Rect> areas;
  for (std::size_t i = 1; i < views.size(); ++i) {
    const auto at = numbers_in(views[i].at("label"));
    areas.emplace_back(at[2], at[3], at[0], at[1]);
    CHECK(views[i].at("pictures").size() == 3);
  }
  CHECK((areas[0] & folders.spoilt_in_a) == folders.spoilt_in_a);  // the larger one first
  CHECK((areas[1] & folders.spoilt_in_b) == folders.spoilt_in_b);
  CHECK((areas[0] & areas[1]).area() == 0);
  for (const cv::Rect& area : areas) CHECK((area & cv::Rect(0, 0, 320, 240)) == area);
}

TEST_CASE("compare: large pictures are embedded small, and areas are found at full resolution") {
  const TemporaryFolder folder;
  for (const char* name : {"hr", "a"}) fs::create_directories(folder / name);
  const Image large = noise(3000, 1400, 3, Depth::u8, 1);
  const cv::Rect square(1801, 903, 90, 90);
  Image result = large.clone();
  result.pixels(square).setTo(cv::Scalar(0, 0, 0));
  write_image(folder / "hr/p.bmp", large);
  write_image(folder / "a/p.bmp", result);
  CompareOptions options;
  options.results = {folder / "a"};
  options.reference = folder / "hr";
  compare_folders(options, folder / "page.html");
  CHECK(fs::file_size(folder / "page.html") < 500 << 10);
  const auto data = page_data(folder / "page.html");
  const auto at = numbers_in(data.at("rows")[0].at("views")[1].at("label"));
  CHECK((cv::Rect(at[2], at[3], at[0], at[1]) & square).area() > 0.9 * square.area());
}

TEST_CASE("compare: only the first pictures are shown, all are measured") {
  const Folders folders;
  CompareOptions options = folders.options();
  options.limit = 1;
  CHECK(compare_folders(options, folders.page()).pictures == 2);
  const auto data = page_data(folders.page());
  CHECK(data.at("rows")[0].contains("views"));
  CHECK(!data.at("rows")[1].contains("views"));
  CHECK(data.at("rows")[1].contains("figures"));
}

TEST_CASE("compare: what is missing, ambiguous, broken or of another size is named, the rest is done") {
  const Folders folders;
  const auto failure = [&] {
    const CompareSummary summary = compare_folders(folders.options(), folders.page());
    CHECK(summary.pictures == 1);
    CHECK(summary.failed == 1);
    return page_data(folders.page()).at("failures").at(0).get<std::string>();
  };
  write_image(folders.folder / "b/dog_2.png", folders.dog);
  CHECK(says(failure(), {"dog.png", "dog-b.png", "dog_2.png", "may both belong to it"}));
  fs::remove(folders.folder / "b/dog_2.png");
  fs::remove(folders.folder / "b/dog-b.png");
  CHECK(says(failure(), {"hr/dog.png", "no picture of this name in", "/b"}));
  write_image(folders.folder / "b/dog.png", folders.cat);
  CHECK(says(failure(), {"b/dog.png", "320 x 240", "hr/dog.png", "130 x 140"}));
  write_file_atomically(folders.folder / "b/dog.png", "<b>no picture</b>");
  CHECK(says(failure(), {"b/dog.png"}));
  write_image(folders.folder / "b/dog.png", gradient(127, 137, 3, Depth::u8));  // cut to a multiple: allowed
  CHECK(compare_folders(folders.options(), folders.page()).failed == 0);
}

TEST_CASE("compare: nothing to compare is refused") {
  const Folders folders;
  const auto message = [&](const CompareOptions& options, ErrorKind kind) {
    return refusal(kind, [&] { compare_folders(options, folders.page()); });
  };
  CompareOptions options = folders.options();
  options.results = {folders.folder / "missing"};
  CHECK(says(message(options, ErrorKind::data), {"missing", "no such file or folder"}));
  fs::create_directories(folders.folder / "empty");
  options.results = {folders.folder / "empty"};
  CHECK(says(message(options, ErrorKind::data), {"hr", "none of its 2 pictures"}));
  options.reference = folders.folder / "empty";
  CHECK(says(message(options, ErrorKind::data), {"empty", "no pictures found"}));
  CHECK(!fs::exists(folders.page()));
}

TEST_CASE("compare: folders of the same name are told apart") {
  const Folders folders;
  fs::create_directories(folders.folder / "old");
  fs::copy(folders.folder / "a", folders.folder / "old/a");
  CompareOptions options = folders.options();
  options.results = {folders.folder / "a/", folders.folder / "old/a"};
  const CompareSummary summary = compare_folders(options, folders.page());
  CHECK(summary.means[0].first == folders.folder.path().filename().string() + "/a");
  CHECK(summary.means[1].first == "old/a");
}
