// Features of pictures and folders, and the figures made of them.
#include "ganvas/distribution/features.hpp"

#include <torch/torch.h>

#include <cmath>

#include "distribution/support.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/distribution/figures.hpp"
#include "ganvas/imaging/resize.hpp"
#include "imaging/pictures.hpp"
#include "support/refusal.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

FeatureNetworkPtr small_network() {
  torch::manual_seed(2);
  auto network = make_feature_network("small-features", {{"channels", 8}, {"squeeze", 4}});
  network->eval();
  return network;
}

double difference(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

}  // namespace

TEST_CASE("features: pictures of any kind become RGB squares") {
  const Image colour = noise(32, 32, 3, Depth::u8);
  const auto plain = fitted_picture(colour, 32);
  CHECK(plain.sizes() == torch::IntArrayRef{1, 3, 32, 32});
  CHECK(plain[0][1][4][7].item<double>() == doctest::Approx(colour.pixels.at<cv::Vec3b>(4, 7)[1] / 255.0));
  CHECK(difference(fitted_picture(to_depth(colour, Depth::u16), 32), plain) < 1e-6);
  CHECK(difference(fitted_picture(with_alpha(colour, noise(32, 32, 1, Depth::u8)), 32), plain) == 0);
  const auto gray = fitted_picture(noise(32, 32, 1, Depth::u8), 32);
  CHECK(torch::equal(gray[0][0], gray[0][2]));
  // Squashed, anti-aliased and not rounded to levels: a fine grating comes out as its mean.
  Image grating(90, 60, 3, Depth::u8);
  for (int x = 0; x < 90; ++x) grating.pixels.col(x).setTo(cv::Scalar::all(x % 2 ? 201 : 100));
  const auto small = fitted_picture(grating, 15);
  CHECK(small.sizes() == torch::IntArrayRef{1, 3, 15, 15});
  CHECK(difference(small.slice(3, 2, 13), torch::full({1, 3, 15, 11}, 150.5 / 255)) < 0.003);
}

TEST_CASE("features: means of layers, one behind the other") {
  const auto network = small_network();
  const auto x = torch::rand({3, 3, 50, 41});
  const auto outputs = network->features(x, {"tap2", "block9"});
  const auto found = pooled_features(*network, x, {"tap2", "block9"});
  CHECK(found.sizes() == torch::IntArrayRef{3, outputs[0].size(1) + outputs[1].size(1)});
  CHECK_FALSE(found.requires_grad());
  CHECK(found[1][5].item<double>() == doctest::Approx(outputs[0][1][5].mean().item<double>()).epsilon(1e-5));
  CHECK(found[2][outputs[0].size(1) + 3].item<double>() ==
        doctest::Approx(outputs[1][2][3].mean().item<double>()).epsilon(1e-5));
  CHECK(torch::equal(pooled_features(*network, x), pooled_features(*network, x, network->pooled_layers())));
  for (const auto& plugin : feature_plugins()) {
    const auto other = plugin.make(plugin.examples.front());
    std::int64_t channels = 0;
    for (const auto& layer : other->pooled_layers()) channels += other->channels(layer);
    CHECK(pooled_features(*other, torch::rand({2, 3, 80, 80})).sizes() == torch::IntArrayRef{2, channels});
  }
}

TEST_CASE("features: batches make no difference, vectors are kept only when asked for") {
  const auto network = small_network();
  std::vector<Image> pictures;
  for (int i = 0; i < 7; ++i) pictures.push_back(noise(20 + i, 30, 3, Depth::u8, i));
  const auto gather = [&](std::int64_t batch, bool keep) {
    FeatureGatherer gatherer(network, {.batch = batch, .keep = keep});
    for (const auto& picture : pictures) gatherer.add(picture);
    return gatherer.result();
  };
  const FeatureSet one = gather(1, true), three = gather(3, true), lean = gather(3, false);
  CHECK(one.features.size(0) == 7);
  CHECK(difference(one.features, three.features) < 1e-5 * one.features.abs().max().item<double>());
  CHECK_FALSE(lean.features.defined());
  CHECK(torch::equal(lean.statistics.covariance, three.statistics.covariance));
  CHECK(torch::allclose(statistics_of(three.features).covariance, three.statistics.covariance, 1e-9, 1e-12));
  CHECK(lean.statistics.count == 7);
  CHECK(three.features[4].equal(
      pooled_features(*network, torch::cat({fitted_picture(pictures[3], 256), fitted_picture(pictures[4], 256),
                                            fitted_picture(pictures[5], 256)}))[1]));
  // A result may be asked for in between.
  FeatureGatherer gatherer(network, {.batch = 4});
  for (int i = 0; i < 3; ++i) gatherer.add(pictures[static_cast<std::size_t>(i)]);
  CHECK(gatherer.result().features.size(0) == 3);
  gatherer.add(pictures[3]);
  CHECK(gatherer.result().features.size(0) == 4);
}

TEST_CASE("features: folders, unreadable pictures, too few of them") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "in/deep");
  for (int i = 0; i < 3; ++i) write_image(folder / "in" / fmt::format("{}.png", i), noise(16, 16, 3, Depth::u8, i));
  write_image(folder / "in/deep/3.ppm", noise(16, 16, 3, Depth::u8, 3));
  write_file_atomically(folder / "in/broken.png", "text");
  write_file_atomically(folder / "in/notes.txt", "text");
  const auto network = small_network();
  std::vector<std::size_t> steps;
  const FolderFeatures found = features_of_folder(folder / "in", network, {}, [&](std::size_t done, std::size_t total) {
    steps.push_back(done);
    CHECK(total == 5);
  });
  CHECK(steps == std::vector<std::size_t>{1, 2, 3, 4, 5});
  CHECK(found.set.statistics.count == 4);
  REQUIRE(found.unreadable.size() == 1);
  CHECK(says(found.unreadable[0], {"broken.png"}));
  for (int i = 1; i < 3; ++i) fs::remove(folder / "in" / fmt::format("{}.png", i));
  fs::remove_all(folder / "in/deep");
  const std::string few = refusal(ErrorKind::data, [&] { features_of_folder(folder / "in", network); });
  CHECK(says(few, {"in: ", "at least 2", "1 is", "broken.png"}));
  fs::create_directories(folder / "empty");
  CHECK(says(refusal(ErrorKind::data, [&] { features_of_folder(folder / "empty", network); }), {"empty", "none is"}));
  CHECK(says(refusal(ErrorKind::data, [&] { features_of_folder(folder / "absent", network); }), {"absent"}));
  set_interrupted(true);
  CHECK_THROWS_AS(features_of_folder(folder / "in", network), Error);
  set_interrupted(false);
}

TEST_CASE("figures: names tell the network, what can't be known is NaN") {
  const auto network = small_network();
  const auto set = [](std::int64_t count, std::uint64_t seed) {
    const auto rows = random_rows(count, 3, seed);
    return FeatureSet{statistics_of(rows), rows};
  };
  const auto figures = compare_distributions(set(30, 1), set(20, 2));
  CHECK(figures.fid == frechet_distance(set(30, 1).statistics, set(20, 2).statistics));
  const auto named = named_figures(figures, *network);
  CHECK(named.size() == 5);
  CHECK(named.at("fid_features") == figures.fid);
  CHECK(named.at("kid_features") == figures.kid);
  CHECK(named.at("kid_std_features") == figures.kid_deviation);
  CHECK(named.at("precision_features") == figures.precision);
  CHECK(named.at("recall_features") == figures.recall);
  CHECK(figure_name("fid", *make_feature_network("inception-fid", {{"width", 2}})) == "fid");
  CHECK(figure_name("kid", *make_feature_network("vgg", {{"width", 4}})) == "kid_vgg");

  FeatureSet lean = set(30, 1);
  lean.features = torch::Tensor();
  const auto few = compare_distributions(lean, set(20, 2));
  CHECK(few.fid == figures.fid);
  for (const double value : {few.kid, few.kid_deviation, few.precision, few.recall}) CHECK(std::isnan(value));
  const auto three = compare_distributions(set(30, 1), set(3, 2));
  CHECK(std::isfinite(three.kid));
  CHECK(std::isfinite(three.precision));
  CHECK(std::isnan(three.recall));
}
