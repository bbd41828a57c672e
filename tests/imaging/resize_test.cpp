#include <cmath>

#include "ganvas/imaging/resize.hpp"
#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

double cubic(double x) {
  x = std::abs(x);
  if (x <= 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  if (x <= 2) return -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2;
  return 0;
}

double lanczos(double x) {
  if (x == 0) return 1;
  if (std::abs(x) >= 3) return 0;
  return 3 * std::sin(M_PI * x) * std::sin(M_PI * x / 3) / (M_PI * M_PI * x * x);
}

/// The definition, in doubles, sample by sample.
double slow_sample(const Image& image, int channel, double x, double y, double scale_x, double scale_y,
                   double (*kernel)(double), double reach) {
  const double shrink_x = std::min(scale_x, 1.0), shrink_y = std::min(scale_y, 1.0);
  double sum = 0, weights = 0;
  for (int j = static_cast<int>(std::floor(y - reach / shrink_y)); j <= y + reach / shrink_y; ++j)
    for (int i = static_cast<int>(std::floor(x - reach / shrink_x)); i <= x + reach / shrink_x; ++i) {
      const double weight = kernel((x - i) * shrink_x) * kernel((y - j) * shrink_y);
      const int row = std::clamp(j, 0, image.height() - 1), column = std::clamp(i, 0, image.width() - 1);
      sum += weight * image.pixels.ptr<float>(row)[column * image.channels() + channel];
      weights += weight;
    }
  return sum / weights;
}

void check_against_definition(Interpolation interpolation, double (*kernel)(double), double reach) {
  for (const auto& [width, height, new_width, new_height] :
       {std::array{3, 8, 7, 5}, {53, 41, 106, 82}, {53, 41, 17, 90}, {1, 1, 4, 3}, {60, 60, 15, 1}, {9, 2, 9, 5}})
    for (int channels = 1; channels <= 4; ++channels) {
      INFO(width << "x" << height << " to " << new_width << "x" << new_height << ", " << channels << " channels");
      const Image image = noise(width, height, channels, Depth::f32);
      const Image resized = resize(image, new_width, new_height, interpolation);
      const double scale_x = double(new_width) / width, scale_y = double(new_height) / height;
      double worst = 0;
      for (int y = 0; y < new_height; ++y)
        for (int x = 0; x < new_width; ++x)
          for (int c = 0; c < channels; ++c) {
            const double expected = slow_sample(image, c, (x + 0.5) / scale_x - 0.5, (y + 0.5) / scale_y - 0.5, scale_x,
                                                scale_y, kernel, reach);
            worst = std::max(worst, std::abs(expected - resized.pixels.ptr<float>(y)[x * channels + c]));
          }
      CHECK(worst < 1e-5);
    }
}

}  // namespace

TEST_CASE("the benchmarks' LR pictures come out exactly") {
  int pictures = 0;
  for (const char* set : {"Set5", "Set14"})
    for (const int factor : {2, 4}) {
      const auto folder = shared_folder() / "data/sr-test" / set / ("x" + std::to_string(factor));
      SKIP_WITHOUT(folder);
      for (const auto& path : list_files(folder / "hr", false)) {
        CAPTURE(path.string());
        const Image lr = read_image(folder / "lr" / path.filename()).image;
        CHECK(largest_difference(shrink_bicubic(read_image(path).image, factor), lr) == 0);
        ++pictures;
      }
    }
  CHECK(pictures > 30);
}

TEST_CASE("bicubic follows its definition") { check_against_definition(Interpolation::bicubic, cubic, 2); }

TEST_CASE("Lanczos follows its definition") { check_against_definition(Interpolation::lanczos, lanczos, 3); }

TEST_CASE("area averages whole boxes and parts of boxes") {
  Image image(5, 1, 1, Depth::f32);
  for (int x = 0; x < 5; ++x) image.pixels.at<float>(0, x) = static_cast<float>(x * x);
  const Image half = resize(image, 2, 1, Interpolation::area);
  CHECK(half.pixels.at<float>(0, 0) == doctest::Approx((0 + 1 + 4 * 0.5) / 2.5));
  CHECK(half.pixels.at<float>(0, 1) == doctest::Approx((4 * 0.5 + 9 + 16) / 2.5));
  const Image blocks = resize(noise(30, 20, 3, Depth::u8), 10, 5, Interpolation::area);
  const Image source = noise(30, 20, 3, Depth::u8);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 10; ++x) {
      const cv::Scalar mean = cv::mean(source.pixels(cv::Rect(3 * x, 4 * y, 3, 4)));
      for (int c = 0; c < 3; ++c) CHECK(std::abs(blocks.pixels.at<cv::Vec3b>(y, x)[c] - mean[c]) <= 0.5001);
    }
}

TEST_CASE("flat pictures stay flat, overshoot saturates, depth and channels are kept") {
  for (const auto interpolation :
       {Interpolation::bicubic, Interpolation::lanczos, Interpolation::area, Interpolation::pillow})
    for (const Depth depth : {Depth::u8, Depth::u16})
      for (int channels = 1; channels <= 4; ++channels)
        for (const auto& [width, height] : {std::pair{1, 1}, {50, 3}, {2, 33}}) {
          Image image(13, 11, channels, depth);
          image.pixels.setTo(cv::Scalar::all(max_value(depth)));
          const Image resized = resize(image, width, height, interpolation);
          CHECK(resized.depth() == depth);
          CHECK(resized.channels() == channels);
          CHECK(resized.width() == width);
          CHECK(resized.height() == height);
          CHECK(cv::norm(resized.pixels, cv::NORM_INF) == max_value(depth));
          CHECK(cv::countNonZero(resized.pixels.reshape(1) != max_value(depth)) == 0);
        }
  Image edge(8, 1, 1, Depth::u8);
  edge.pixels.setTo(0);
  edge.pixels.colRange(4, 8).setTo(255);
  const Image enlarged = resize(edge, 64, 1);
  CHECK(enlarged.pixels.at<std::uint8_t>(0, 20) == 0);
  CHECK(enlarged.pixels.at<std::uint8_t>(0, 44) == 255);
}

TEST_CASE("16 bit pictures are resized in 16 bits") {
  const Image wide = noise(24, 18, 3, Depth::u16);
  const Image expected = resize(to_depth(wide, Depth::f32), 37, 11, Interpolation::lanczos);
  CHECK(largest_difference(resize(wide, 37, 11, Interpolation::lanczos), to_depth(expected, Depth::u16)) <= 1);
}

TEST_CASE("impossible sizes are refused") {
  CHECK_THROWS_AS(resize(noise(4, 4, 1, Depth::u8), 0, 4), Error);
  CHECK_THROWS_AS(resize(Image(), 4, 4), Error);
  CHECK_THROWS_AS(shrink_bicubic(noise(3, 9, 1, Depth::u8), 4), Error);
  CHECK(shrink_bicubic(noise(11, 9, 1, Depth::u8), 4).width() == 2);
}

TEST_CASE("Pillow's bicubic: by hand, by Pillow itself, and the field's away from the border") {
  // 4 samples to 2: Keys' cubic at 0.25, 0.25, 0.75, 1.25 is 0.8671875, 0.8671875, 0.2265625, -0.0703125; their sum is
  // 1.890625, where a whole kernel (with the -0.0703125 and 0.2265625 beyond the border) has 2.
  Image row(4, 1, 1, Depth::f32);
  row.pixels.setTo(0);
  row.pixels.at<float>(0, 3) = 8;
  const Image half = resize(row, 2, 1, Interpolation::pillow);
  CHECK(half.pixels.at<float>(0, 0) == doctest::Approx(8 * -0.0703125 / 1.890625));
  CHECK(half.pixels.at<float>(0, 1) == doctest::Approx(8 * 0.8671875 / 1.890625));

  // Pillow 9.4, once: Image.fromarray(a, mode="F").resize(size, Image.BICUBIC) of a[y, x] = (37x^2 + 91y + 13xy) % 256.
  Image image(11, 7, 1, Depth::f32);
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 11; ++x)
      image.pixels.at<float>(y, x) = static_cast<float>((37 * x * x + 91 * y + 13 * x * y) % 256);
  const std::vector<float> small{97.0590f,  133.1342f, 121.0668f, 99.2302f,  144.7406f, 156.1858f,
                                 129.5157f, 108.4676f, 125.3763f, 120.1883f, 116.4567f, 169.1737f};
  const std::vector<float> wide{71.6419f,  101.1419f, 117.5844f, 83.8504f,  111.8208f, 141.5483f, 147.5993f, 135.0259f,
                                131.7757f, 137.9820f, 125.6101f, 91.9461f,  68.1419f,  127.7984f, 114.4177f, 78.1061f,
                                95.1767f,  131.7143f, 169.1731f, 169.3561f, 154.0755f, 155.7666f, 179.0400f, 133.2202f,
                                112.8336f, 129.5873f, 136.6273f, 133.9519f, 124.2533f, 115.3055f, 97.7575f,  83.7667f,
                                117.7590f, 111.5820f, 116.2660f, 144.6281f, 149.2945f, 133.5529f, 103.2439f, 95.3928f,
                                99.8286f,  114.6566f, 146.9286f, 128.4863f, 100.4438f, 175.1155f, 200.5338f, 196.6408f};
  for (const auto& [width, values] : {std::pair{4, small}, {16, wide}}) {
    const Image resized = resize(image, width, 3, Interpolation::pillow);
    for (int i = 0; i < width * 3; ++i)
      CHECK(std::abs(resized.pixels.at<float>(i / width, i % width) - values[static_cast<std::size_t>(i)]) < 2e-4);
  }

  const Image large = noise(90, 60, 3, Depth::f32);
  const Image ours = resize(large, 30, 20), theirs = resize(large, 30, 20, Interpolation::pillow);
  const cv::Rect inner(2, 2, 26, 16);
  CHECK(cv::norm(ours.pixels(inner), theirs.pixels(inner), cv::NORM_INF) < 1e-5);
  CHECK(cv::norm(ours.pixels, theirs.pixels, cv::NORM_INF) > 1e-3);
}
