#include "ganvas/imaging/sharpen.hpp"

#include <cmath>

#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

using Plane = std::vector<std::vector<double>>;

int reflected(int i, int count) {
  while (i < 0 || i >= count) i = i < 0 ? -i : 2 * (count - 1) - i;
  return i;
}

/// A Gaussian window of side x side in one sum, with OpenCV's documented sigma for a side.
Plane blurred(const Plane& in, int side) {
  const double sigma = 0.3 * ((side - 1) * 0.5 - 1) + 0.8;
  const int reach = side / 2, rows = static_cast<int>(in.size()), columns = static_cast<int>(in[0].size());
  std::vector<double> line(side);
  double sum = 0;
  for (int i = 0; i < side; ++i) sum += line[i] = std::exp(-(i - reach) * (i - reach) / (2 * sigma * sigma));
  Plane out(rows, std::vector<double>(columns));
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      for (int dy = -reach; dy <= reach; ++dy)
        for (int dx = -reach; dx <= reach; ++dx)
          out[y][x] += line[dy + reach] * line[dx + reach] / (sum * sum) *
                       in[reflected(y + dy, rows)][reflected(x + dx, columns)];
  return out;
}

/// The largest difference between usm_sharpen() and the definition, in 8-bit levels.
double error_of(const Image& picture, const SharpenOptions& options) {
  const Image sharp = usm_sharpen(picture, options);
  double largest = 0;
  for (int c = 0; c < picture.channels(); ++c) {
    const auto at = [c](const Image& image, int y, int x) { return image.pixels.ptr(y)[x * image.channels() + c]; };
    Plane plane(picture.height(), std::vector<double>(picture.width())), mask = plane;
    for (int y = 0; y < picture.height(); ++y)
      for (int x = 0; x < picture.width(); ++x) plane[y][x] = at(picture, y, x);
    const int side = options.radius + (options.radius % 2 == 0);
    const Plane smooth = blurred(plane, side);
    for (int y = 0; y < picture.height(); ++y)
      for (int x = 0; x < picture.width(); ++x) mask[y][x] = std::abs(plane[y][x] - smooth[y][x]) > options.threshold;
    mask = blurred(mask, side);
    for (int y = 0; y < picture.height(); ++y)
      for (int x = 0; x < picture.width(); ++x) {
        const double raised = std::clamp(plane[y][x] + options.weight * (plane[y][x] - smooth[y][x]), 0.0, 255.0);
        const double expected = mask[y][x] * raised + (1 - mask[y][x]) * plane[y][x];
        largest = std::max(largest, std::abs(expected - at(sharp, y, x)));
      }
  }
  return largest;
}

/// A sharp edge and a faint one.
Image edges(int width, int height) {
  Image image(width, height, 1, Depth::u8);
  image.pixels.setTo(100);
  image.pixels.colRange(width / 2, width).setTo(180);
  image.pixels.rowRange(height / 2, height) += 4;
  return image;
}

}  // namespace

TEST_CASE("sharpening: its definition computed slowly, across bands and borders") {
  CHECK(error_of(noise(40, 33, 3, Depth::u8), {}) < 0.51);
  CHECK(error_of(edges(60, 40), {}) < 0.51);
  CHECK(error_of(edges(12, 700), {.radius = 15, .weight = 2, .threshold = 3}) < 0.51);  // three bands
  CHECK(error_of(noise(5, 3, 1, Depth::u8), {.radius = 10}) < 0.51);                    // reflected several times
}

TEST_CASE("sharpening: edges gain, faint ones and flat areas stay, odd pictures are refused") {
  const Image before = edges(200, 200), after = usm_sharpen(before);
  const auto step = [](const Image& image) { return image.pixels.at<uchar>(50, 101) - image.pixels.at<uchar>(50, 98); };
  CHECK(step(after) > step(before) + 10);
  Image faint(200, 200, 3, Depth::u8);
  faint.pixels.setTo(100);
  faint.pixels.colRange(100, 200).setTo(118);  // 9 from the mean on either side
  CHECK(same(usm_sharpen(faint), faint));
  CHECK_THROWS_AS(usm_sharpen(noise(9, 9, 3, Depth::u16)), Error);
  CHECK_THROWS_AS(usm_sharpen(noise(9, 9, 4, Depth::u8)), Error);
  CHECK_THROWS_AS(usm_sharpen(faint, {.radius = 0}), Error);
}
