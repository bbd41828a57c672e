#include <opencv2/imgproc.hpp>

#include "ganvas/imaging/tiling.hpp"
#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

constexpr int radius = 6;

/// A stand-in for a network: an uneven convolution of known reach, then enlargement by repetition.
cv::Mat convolve(const cv::Mat& tile, int scale) {
  cv::Mat kernel(2 * radius + 1, 2 * radius + 1, CV_32F), result, enlarged;
  cv::RNG random(3);
  random.fill(kernel, cv::RNG::UNIFORM, 0.0, 1.0);
  kernel /= cv::sum(kernel)[0];
  cv::filter2D(tile, result, CV_32F, kernel, cv::Point(-1, -1), 0, cv::BORDER_CONSTANT);
  cv::resize(result, enlarged, {}, scale, scale, cv::INTER_NEAREST);
  return enlarged;
}

/// The picture in one piece, with reflected surroundings made by OpenCV.
Image whole(const Image& image, int scale, Depth depth) {
  const cv::Mat floats = to_depth(image, Depth::f32).pixels;
  cv::Mat padded(floats.rows + 2 * radius, floats.cols + 2 * radius, floats.type());
  for (int y = 0; y < padded.rows; ++y)
    for (int x = 0; x < padded.cols; ++x)
      std::copy_n(floats.ptr(cv::borderInterpolate(y - radius, floats.rows, cv::BORDER_REFLECT_101),
                             cv::borderInterpolate(x - radius, floats.cols, cv::BORDER_REFLECT_101)),
                  floats.elemSize(), padded.ptr(y, x));
  const cv::Mat result = convolve(padded, scale);
  return to_depth(
      Image(result(cv::Rect(radius * scale, radius * scale, image.width() * scale, image.height() * scale)).clone()),
      depth);
}

}  // namespace

TEST_CASE("tiled equals whole") {
  for (const auto& [width, height] : {std::pair{3, 8}, {533, 401}, {777, 777}, {3000, 5}, {257, 64}, {65, 130}})
    for (const int channels : {1, 3})
      for (const TileOptions& options :
           {TileOptions{64, radius, 8, radius}, {256, 16, 8, 16}, {64, radius, 0, radius}, {37, 9, 30, 9}}) {
        if (width * height > 300000 && options.tile != 256) continue;
        INFO(width << "x" << height << "x" << channels << ", tile " << options.tile << ", overlap " << options.overlap);
        const int scale = width % 2 + 1;
        const Image image = noise(width, height, channels, Depth::u8);
        const TilePlan plan = plan_tiles(width, height, options);
        const auto network = [&](const cv::Mat& tile) { return convolve(tile, scale); };
        const Image tiled = run_tiled(image, plan, scale, Depth::u8, network);
        CHECK(largest_difference(tiled, whole(image, scale, Depth::u8)) <= 1);
        const Image floats = run_tiled(image, plan, scale, Depth::f32, network);
        CHECK(largest_difference(floats, whole(image, scale, Depth::f32)) < 2e-6);
      }
}

TEST_CASE("with little context beyond the border, tiled still equals whole") {
  // The network meets its own border there, in the border tiles just as in the whole.
  for (const auto& [width, height] : {std::pair{3, 8}, {533, 401}, {257, 64}})
    for (const int edge : {0, 2}) {
      INFO(width << "x" << height << ", edge " << edge);
      const Image image = noise(width, height, 3, Depth::u8);
      const auto network = [&](const cv::Mat& tile) { return convolve(tile, 2); };
      const auto run = [&](int tile) {
        const TilePlan plan = plan_tiles(width, height, {tile, radius, 8, edge});
        return run_tiled(image, plan, 2, Depth::f32, network);
      };
      CHECK(largest_difference(run(64), run(100000)) < 2e-6);
    }
}

TEST_CASE("aligned tiles: a network that works in blocks gives tiled what it gives whole") {
  for (const int align : {2, 3, 4})
    for (const auto& [width, height] : {std::pair{5, 3}, {130, 67}, {257, 129}}) {
      INFO(width << "x" << height << ", align " << align);
      const Image image = noise(width, height, 1, Depth::f32);
      const auto blocks = [&](const cv::Mat& tile) {  // each block becomes its first pixel
        cv::Mat result = tile.clone();
        for (int y = 0; y < tile.rows; ++y)
          for (int x = 0; x < tile.cols; ++x)
            result.at<float>(y, x) = tile.at<float>(y / align * align, x / align * align);
        return result;
      };
      const auto run = [&](int tile) {
        const TilePlan plan = plan_tiles(width, height, {tile, 8, 4, 3, align});
        CHECK(plan.tiles[0].width % align == 0);
        return run_tiled(image, plan, 1, Depth::f32, blocks);
      };
      CHECK(largest_difference(run(32), run(100000)) < 1e-6);
    }
}

TEST_CASE("any size of tile, overlap and picture: a network that changes nothing changes nothing") {
  for (const int tile : {1, 2, 5, 16, 1000})
    for (const int overlap : {0, 1, 20})
      for (const int feather : {0, 1, 7, 50})
        for (const auto& [width, height] : {std::pair{1, 1}, {2, 17}, {31, 23}})
          for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32}) {
            INFO(tile << " " << overlap << " " << feather << " " << width << "x" << height);
            const Image image = noise(width, height, 2, depth);
            const TilePlan plan = plan_tiles(width, height, {tile, overlap, feather, std::min(overlap, 3)});
            const Image same_again = run_tiled(image, plan, 1, depth, [](const cv::Mat& t) { return t.clone(); });
            CHECK(largest_difference(same_again, image) <= (depth == Depth::f32 ? 1e-6 : 0));
          }
}

TEST_CASE("plans: equal tiles, no core beyond its size, everything covered, little reflection") {
  for (const int width : {1, 63, 64, 65, 100, 127, 128, 129, 1000, 25601})
    for (const int feather : {0, 8, 16}) {
      const TileOptions options{64, 16, feather, 16};
      const TilePlan plan = plan_tiles(width, 40, options);
      CHECK(plan.rows == 1);
      CHECK(static_cast<int>(plan.tiles.size()) == plan.columns);
      const int core = plan.tiles[0].width - 32;
      CHECK(core <= 64);
      CHECK(core >= 1);
      int covered = 0;
      for (const Tile& tile : plan.tiles) {
        CHECK(tile.width == core + 32);
        CHECK(tile.height == 40 + 32);
        CHECK(tile.x + 16 >= 0);
        CHECK(tile.x + 16 <= covered);
        covered = tile.x + 16 + core;
      }
      CHECK(covered == width);
      CHECK(plan.columns <= (width + 47) / 48 + 1);
    }
  CHECK_THROWS_AS(plan_tiles(10, 10, {0, 1, 1}), Error);
  CHECK_THROWS_AS(plan_tiles(10, 10, {8, -1, 1}), Error);
}

TEST_CASE("seams are feathered: neighbours that disagree meet in a ramp") {
  const Image image = noise(64, 16, 1, Depth::f32);
  const TilePlan plan = plan_tiles(64, 16, {40, 8, 8});
  REQUIRE(plan.columns == 2);
  float value = 0;
  const Image result = run_tiled(image, plan, 1, Depth::f32, [&](const cv::Mat& tile) {
    cv::Mat flat(tile.size(), CV_32F, cv::Scalar(value));
    value = 1;
    return flat;
  });
  float before = 0, steepest = 0;
  for (int x = 0; x < 64; ++x) {
    const float now = result.pixels.at<float>(8, x);
    CHECK(now >= before);
    steepest = std::max(steepest, now - before);
    before = now;
  }
  CHECK(before == 1);
  CHECK(steepest < 0.13f);
}

TEST_CASE("progress counts up, exceptions pass, wrong tiles are refused") {
  const Image image = noise(50, 50, 3, Depth::u8);
  const TilePlan plan = plan_tiles(50, 50, {16, 4, 2});
  std::vector<int> steps;
  run_tiled(
      image, plan, 1, Depth::u8, [](const cv::Mat& t) { return t.clone(); },
      [&](int done, int total) {
        steps.push_back(done);
        CHECK(total == static_cast<int>(plan.tiles.size()));
      });
  CHECK(steps.size() == plan.tiles.size());
  CHECK(steps.back() == static_cast<int>(plan.tiles.size()));
  struct Stop {};
  CHECK_THROWS_AS(run_tiled(image, plan, 1, Depth::u8, [](const cv::Mat&) -> cv::Mat { throw Stop(); }), Stop);
  CHECK_THROWS_AS(run_tiled(image, plan, 2, Depth::u8, [](const cv::Mat& t) { return t.clone(); }), Error);
  CHECK_THROWS_AS(
      run_tiled(noise(51, 50, 3, Depth::u8), plan, 1, Depth::u8, [](const cv::Mat& t) { return t.clone(); }), Error);
}

TEST_CASE("the network sees floats in 0..1 and may change the channel count") {
  Image image(20, 20, 1, Depth::u16);
  image.pixels.setTo(65535);
  const Image result = run_tiled(image, plan_tiles(20, 20, {8, 2, 2}), 3, Depth::u8, [](const cv::Mat& tile) {
    CHECK(tile.type() == CV_32FC1);
    CHECK(tile.at<float>(0, 0) == 1);
    return cv::Mat(tile.rows * 3, tile.cols * 3, CV_32FC3, cv::Scalar(0.5, 2, -1));
  });
  CHECK(result.width() == 60);
  CHECK(result.pixels.at<cv::Vec3b>(59, 59) == cv::Vec3b(128, 255, 0));
}
