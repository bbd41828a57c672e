#include "ganvas/metric/lattice.hpp"

#include <opencv2/imgproc.hpp>

#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

Image photograph() { return read_image(std::string(GANVAS_SOURCE_DIR) + "/data/samples/cat.png").image; }

/// Every `period`-th column, or row, brighter by `levels`.
Image with_lattice(const Image& image, int period, int levels, bool rows) {
  Image result = image.clone();
  for (int i = 1; i < (rows ? image.height() : image.width()); i += period) {
    cv::Mat line = rows ? result.pixels.row(i) : result.pixels.col(i);
    line += cv::Scalar::all(levels);
  }
  return result;
}

}  // namespace

TEST_CASE("lattice: noise and photographs have none") {
  for (const int period : {2, 4, 8}) {
    CHECK(lattice_index(noise(256, 256, 3, Depth::u8), period) == doctest::Approx(1).epsilon(0.15));
    CHECK(lattice_index(photograph(), period) < 1.3);
  }
}

TEST_CASE("lattice: columns or rows of the period stand out, the more the stronger, and at no other period") {
  for (const bool rows : {false, true})
    for (const int period : {4, 5}) {
      const double weak = lattice_index(with_lattice(photograph(), period, 6, rows), period);
      const double strong = lattice_index(with_lattice(photograph(), period, 18, rows), period);
      CHECK(weak > 2);
      CHECK(strong > 4 * weak);
      CHECK(lattice_index(with_lattice(photograph(), period, 6, rows), 7) < 1.4);
    }
}

TEST_CASE("lattice: one that grows with the picture's own values is seen, an enlargement by resizing has none") {
  Image enlarged;
  cv::resize(photograph().pixels, enlarged.pixels, {}, 4, 4, cv::INTER_LANCZOS4);
  CHECK(lattice_index(enlarged, 4) < 1.2);
  for (int y = 0; y < enlarged.height(); y += 4) enlarged.pixels.row(y) *= 1.03;
  CHECK(lattice_index(enlarged, 4) > 5);
}

TEST_CASE("lattice: pictures that are too small or constant have none") {
  CHECK(lattice_index(noise(63, 20, 3, Depth::u8), 4) == 1);
  Image flat(128, 128, 1, Depth::u16);
  flat.pixels.setTo(1000);
  CHECK(lattice_index(flat, 4) == doctest::Approx(1));
}
