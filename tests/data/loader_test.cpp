#include "ganvas/data/loader.hpp"

#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <set>

#include "ganvas/data/pair_source.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("loader: steps in order whatever the threads do, never far ahead, and it ends at any time") {
  for (const int threads : {1, 3, 8}) {
    std::atomic<std::int64_t> furthest{0}, taken{5};
    Loader loader(
        [&](std::int64_t step) {
          CHECK(step < taken + 4 + 1);
          furthest = std::max<std::int64_t>(furthest, step);
          std::this_thread::sleep_for(std::chrono::microseconds(step * 7919 % 300));
          return Batch{{"lr", torch::full({1}, step)}};
        },
        5, threads, 4);
    for (std::int64_t step = 5; step < 60; ++step) {
      taken = step;
      CHECK(loader.next().at("lr").item<std::int64_t>() == step);
    }
    CHECK(loader.waited() >= 0);
  }  // and goes with batches still prepared
  Loader unused([](std::int64_t) { return Batch{}; }, 0, 2, 2);
}

TEST_CASE("loader: what goes wrong on a thread arrives at next(), and again") {
  Loader loader(
      [](std::int64_t step) -> Batch {
        if (step == 3) fail(ErrorKind::data, "bad picture");
        return {{"lr", torch::full({1}, step)}};
      },
      0, 1, 2);
  for (std::int64_t step = 0; step < 2; ++step) CHECK(loader.next().at("lr").item<std::int64_t>() == step);
  const auto drain = [&] {
    for (int i = 0; i < 3; ++i) loader.next();
  };
  CHECK_THROWS_WITH_AS(drain(), "bad picture", Error);
  CHECK_THROWS_WITH_AS(loader.next(), "bad picture", Error);
}

TEST_CASE("batches: layout, range, and a function of seed and step alone") {
  const PairSourceOptions options{.hr = {}, .lr = {}, .scale = 2, .crop = 4};
  std::vector<ImagePair> pairs;
  for (int i = 0; i < 3; ++i) pairs.push_back({noise(9, 11, 3, Depth::u8, i), noise(18, 22, 3, Depth::u8, i + 9), "n"});
  const PairSource source(std::move(pairs), options);
  const Batch batch = make_pair_batch(source, 5, 1, 7);
  CHECK(batch.at("lr").sizes() == torch::IntArrayRef({5, 3, 4, 4}));
  CHECK(batch.at("hr").sizes() == torch::IntArrayRef({5, 3, 8, 8}));
  for (const auto& [name, tensor] : batch) {
    CHECK(tensor.is_contiguous(at::MemoryFormat::ChannelsLast));
    CHECK(tensor.min().item<float>() >= 0);
    CHECK(tensor.max().item<float>() <= 1);
    CHECK(tensor.max().item<float>() > 0.9f);
    const torch::Tensor levels = tensor * 255;  // samples are whole levels
    CHECK((levels - levels.round()).abs().max().item<float>() < 1e-4);
  }
  CHECK(torch::equal(make_pair_batch(source, 5, 1, 7).at("hr"), batch.at("hr")));
  // Each item is its own draw: no two of the first 100 batches are alike, nor two seeds.
  std::set<double> sums;
  for (std::int64_t step = 0; step < 100; ++step)
    sums.insert(make_pair_batch(source, 5, 1, step).at("lr").sum().item<double>());
  for (std::int64_t step = 0; step < 100; ++step)
    sums.insert(make_pair_batch(source, 5, 2, step).at("lr").sum().item<double>());
  CHECK(sums.size() > 190);
  // The items of a batch are what draws with their own generators give.
  Rng rng = Rng::for_item(1, 7 * 5 + 3);
  const ImagePair pair = source.draw(rng);
  CHECK(batch.at("lr")[3][2][1][3].item<float>() == doctest::Approx(pair.lr.pixels.at<cv::Vec3b>(1, 3)[2] / 255.0));
}
