#include "ganvas/imaging/edges.hpp"

#include <cmath>

#include "imaging/pictures.hpp"
#include "support/refusal.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

constexpr int left = 20, top = 15, right = 69, bottom = 48;  // the rectangle's samples, inclusive

Image rectangle(int channels = 1, double inside = 200, double outside = 60) {
  Image image(91, 71, channels, Depth::u8);
  image.pixels.setTo(cv::Scalar::all(outside));
  image.pixels(cv::Rect(left, top, right - left + 1, bottom - top + 1)).setTo(cv::Scalar::all(inside));
  return image;
}

/// Distance of a sample from the rectangle's border line, which runs half a sample outside of its samples.
double from_border(int x, int y) {
  const double dx = std::max({left - 0.5 - x, x - right - 0.5, 0.0});
  const double dy = std::max({top - 0.5 - y, y - bottom - 0.5, 0.0});
  if (dx > 0 || dy > 0) return std::hypot(dx, dy);
  return std::min({x - left + 0.5, right + 0.5 - x, y - top + 0.5, bottom + 0.5 - y});
}

int edges_in(const Image& edges) { return cv::countNonZero(edges.pixels); }

/// Edges at the border, all along it and nowhere else.
void check_rectangle(const Image& edges, double reach) {
  REQUIRE(edges.channels() == 1);
  REQUIRE(edges.depth() == Depth::u8);
  REQUIRE(edges.width() == 91);
  double farthest = 0;
  std::vector<char> columns(91), rows(71);
  for (int y = 0; y < edges.height(); ++y)
    for (int x = 0; x < edges.width(); ++x) {
      const int value = edges.pixels.at<uchar>(y, x);
      REQUIRE((value == 0 || value == 255));
      if (value == 0) continue;
      farthest = std::max(farthest, from_border(x, y));
      columns[x] = rows[y] = 1;
    }
  CHECK(farthest <= reach);
  for (int x = left; x <= right; ++x) CHECK(columns[x]);
  for (int y = top; y <= bottom; ++y) CHECK(rows[y]);
  const int around = 2 * (right - left + 1 + bottom - top + 1);
  CHECK(edges_in(edges) > 0.9 * around);
  CHECK(edges_in(edges) < 1.2 * around);  // lines of one sample
}

/// LoG edges by the definition, in double and without separable filters.
Image slow_log_edges(const Image& gray, double sigma, double threshold) {
  const int reach = static_cast<int>(std::ceil(5 * sigma)), rows = gray.height(), columns = gray.width();
  const auto at = [&](const std::vector<double>& plane, int y, int x) {
    const auto mirrored = [](int i, int count) { return i < 0 ? -i : i >= count ? 2 * (count - 1) - i : i; };
    return plane[mirrored(y, rows) * columns + mirrored(x, columns)];
  };
  std::vector<double> plane(rows * columns), smooth(plane), laplacian(plane);
  for (int i = 0; i < rows * columns; ++i) plane[i] = gray.pixels.at<uchar>(i / columns, i % columns);
  const double unit = std::sqrt(2 * CV_PI) * sigma * sigma * sigma;
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) sum += std::exp(-i * i / (2 * sigma * sigma));
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      for (int dy = -reach; dy <= reach; ++dy)
        for (int dx = -reach; dx <= reach; ++dx)
          smooth[y * columns + x] +=
              std::exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)) / (sum * sum) * at(plane, y + dy, x + dx);
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      laplacian[y * columns + x] = unit * (at(smooth, y - 1, x) + at(smooth, y + 1, x) + at(smooth, y, x - 1) +
                                           at(smooth, y, x + 1) - 4 * at(smooth, y, x));
  Image edges(columns, rows, 1, Depth::u8);
  edges.pixels.setTo(0);
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      for (int down : {0, 1}) {
        const int y2 = y + down, x2 = x + 1 - down;
        if (y2 >= rows || x2 >= columns) continue;
        const double a = laplacian[y * columns + x], b = laplacian[y2 * columns + x2];
        if (a * b < 0 && std::abs(a - b) > threshold)
          (std::abs(a) <= std::abs(b) ? edges.pixels.at<uchar>(y, x) : edges.pixels.at<uchar>(y2, x2)) = 255;
      }
  return edges;
}

/// A bright diagonal on a ground that fades from left to right.
Image fading() {
  Image image(80, 60, 1, Depth::u8);
  for (int y = 0; y < 60; ++y)
    for (int x = 0; x < 80; ++x) image.pixels.at<uchar>(y, x) = static_cast<uchar>(y > 30 ? 60 : 60 + 150 - x * 1.8);
  return image;
}

}  // namespace

TEST_CASE("edges: a rectangle gives its border and nothing else") {
  check_rectangle(canny_edges(rectangle()), 1.5);
  check_rectangle(canny_edges(rectangle(3), {.sigma = 0}), 0.5);
  check_rectangle(canny_edges(rectangle(1, 20, 230), {.sigma = 2}), 2.5);
  check_rectangle(log_edges(rectangle()), 2.5);
  check_rectangle(log_edges(rectangle(3, 20, 230), {.sigma = 1}), 1.5);
}

TEST_CASE("edges: flat pictures have none, nor has black noise, and deeper samples change nothing") {
  Image flat(33, 17, 3, Depth::u8);
  for (const double level : {0.0, 7.0, 128.0, 255.0}) {
    flat.pixels.setTo(cv::Scalar::all(level));
    CHECK(edges_in(canny_edges(flat)) == 0);
    CHECK(edges_in(log_edges(flat)) == 0);
    CHECK(edges_in(log_edges(flat, {.threshold = 0})) == 0);
  }
  Image slope(200, 20, 1, Depth::u8);  // whose Laplacian is nothing but rounding, away from the ends
  for (int x = 0; x < 200; ++x) slope.pixels.col(x).setTo(x);
  CHECK(edges_in(Image(log_edges(slope, {.threshold = 0}).pixels.colRange(20, 180))) == 0);
  Image night(64, 64, 1, Depth::u8);
  cv::RNG random(3);
  random.fill(night.pixels, cv::RNG::UNIFORM, 0, 4);
  CHECK(edges_in(canny_edges(night)) == 0);
  CHECK(edges_in(canny_edges(night, {.high = 2})) > 0);

  const Image picture = noise(57, 43, 3, Depth::u8);
  CHECK(same(canny_edges(picture), canny_edges(to_depth(picture, Depth::u16))));
  CHECK(same(log_edges(rectangle()), log_edges(to_depth(rectangle(), Depth::u16))));
}

TEST_CASE("edges: tiny pictures are no trouble") {
  for (const auto& [width, height] : {std::pair(1, 1), {1, 9}, {9, 1}, {2, 2}, {3, 8}}) {
    CAPTURE(width);
    CAPTURE(height);
    CHECK(canny_edges(noise(width, height, 3, Depth::u8)).width() == width);
    CHECK(log_edges(noise(width, height, 1, Depth::u8)).height() == height);
  }
}

TEST_CASE("canny: thresholds in Sobel's scale, from the median, one from the other") {
  // A step of 10 levels has a gradient of 40.
  const Image faint = rectangle(1, 70, 60);
  CHECK(edges_in(canny_edges(faint, {.sigma = 0, .high = 39})) > 0);
  CHECK(edges_in(canny_edges(faint, {.sigma = 0, .high = 60})) == 0);  // corners have more, but not half as much again
  // The ground is the median: 0.8 x 60 = 48 > 40, 0.8 x 45 = 36 < 40.
  CHECK(edges_in(canny_edges(rectangle(1, 70, 60), {.sigma = 0})) < 20);
  check_rectangle(canny_edges(rectangle(1, 55, 45), {.sigma = 0}), 0.5);

  const Image picture = noise(97, 83, 1, Depth::u8);
  std::vector<uchar> levels(picture.pixels.begin<uchar>(), picture.pixels.end<uchar>());
  std::nth_element(levels.begin(), levels.begin() + levels.size() / 2, levels.end());
  const double median = levels[levels.size() / 2];
  const auto drawn = [&](double low, double high) { return canny_edges(picture, {.low = low, .high = high}); };
  CHECK(same(canny_edges(picture), drawn(0.4 * median, 0.8 * median)));
  CHECK_FALSE(same(canny_edges(picture), drawn(0.4 * median, 0.85 * median)));
  CHECK_FALSE(same(canny_edges(picture), drawn(0.45 * median, 0.8 * median)));
  CHECK(same(canny_edges(picture, {.high = 130}), drawn(65, 130)));
  CHECK(same(canny_edges(picture, {.low = 60}), drawn(60, 120)));
  CHECK_FALSE(same(drawn(60, 120), drawn(60, 130)));
  CHECK_FALSE(same(drawn(65, 130), drawn(60, 130)));
  CHECK(refusal(ErrorKind::usage, [&] { canny_edges(picture, {.low = 3, .high = 2}); }) != "was accepted");
  CHECK(refusal(ErrorKind::usage, [&] { canny_edges(picture, {.sigma = -1}); }) != "was accepted");
  CHECK(refusal(ErrorKind::usage, [&] { canny_edges(picture, {.low = -1}); }) != "was accepted");
}

TEST_CASE("log: its definition computed slowly, and weak ends stay where they hang on strong ones") {
  const Image picture = noise(41, 29, 1, Depth::u8);
  for (const double threshold : {0.0, 20.0, 60.0}) {
    const Image fast = log_edges(picture, {.sigma = 1.5, .threshold = threshold, .weak = 1});
    const Image slow = slow_log_edges(picture, 1.5, threshold);
    const int different = cv::countNonZero(fast.pixels != slow.pixels);
    CHECK(edges_in(slow) > 50);
    CHECK(different <= edges_in(slow) / 100);  // the filters end at different tails
  }

  const Image whole = log_edges(fading(), {.threshold = 75, .weak = 0.3});
  const Image strong = log_edges(fading(), {.threshold = 75, .weak = 1});
  CHECK(edges_in(strong) > 10);
  CHECK(edges_in(whole) > edges_in(strong) + 10);
  CHECK(cv::countNonZero(strong.pixels & ~whole.pixels) == 0);
  for (const double sigma : {1.5, 2.0, 4.0}) {  // 140 levels high
    CAPTURE(sigma);
    CHECK(edges_in(log_edges(rectangle(), {.sigma = sigma, .threshold = 125})) > 100);
    CHECK(edges_in(log_edges(rectangle(), {.sigma = sigma, .threshold = 155})) == 0);
  }
  CHECK(edges_in(log_edges(fading(), {.threshold = 1000, .weak = 0})) == 0);
  CHECK(refusal(ErrorKind::usage, [&] { log_edges(picture, {.sigma = 0}); }) != "was accepted");
  CHECK(refusal(ErrorKind::usage, [&] { log_edges(picture, {.threshold = -1}); }) != "was accepted");
  CHECK(refusal(ErrorKind::usage, [&] { log_edges(picture, {.weak = 1.5}); }) != "was accepted");
}
