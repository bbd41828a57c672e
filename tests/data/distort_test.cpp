#include "ganvas/data/distort.hpp"

#include <set>
#include <vector>

#include "imaging/pictures.hpp"

using namespace ganvas;

namespace {

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (int y = 0; y < a.height(); ++y)
    for (int x = 0; x < 3 * a.width(); ++x) sum += std::abs(a.pixels.ptr(y)[x] - b.pixels.ptr(y)[x]);
  return sum / (3.0 * a.height() * a.width());
}

}  // namespace

TEST_CASE("distort: damaged copies of the same size, of every strength, the same for the same generator") {
  Image picture = test::gradient(61, 50, 3, Depth::u8);
  cv::addWeighted(picture.pixels, 0.8, test::noise(61, 50, 3, Depth::u8).pixels, 0.2, 0, picture.pixels);
  const Image before = picture.clone();
  std::vector<Image> first;
  for (std::uint64_t i = 0; i < 150; ++i) {
    Rng rng = Rng::for_item(5, i);
    first.push_back(distort(picture, rng));
    CHECK(first.back().width() == 61);
    CHECK(first.back().height() == 50);
    CHECK(first.back().channels() == 3);
    CHECK((first.back().depth() == Depth::u8));
  }
  CHECK(mean_difference(picture, before) == 0);
  double smallest = 255, largest = 0;
  std::set<double> different;
  for (std::uint64_t i = 0; i < 150; ++i) {
    CAPTURE(i);
    Rng rng = Rng::for_item(5, i);
    CHECK(mean_difference(distort(picture, rng), first[i]) == 0);
    const double change = mean_difference(picture, first[i]);
    different.insert(change);
    smallest = std::min(smallest, change);
    largest = std::max(largest, change);
  }
  CHECK(different.size() > 130);
  CHECK(smallest < 3);
  CHECK(largest > 10);
  CHECK(largest < 80);
}
