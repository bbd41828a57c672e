// `ganvas eval --fid`: folders as wholes.
#include <torch/torch.h>

#include "cli/program.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// Smooth pictures of different colours, with a share of noise.
void fill(const fs::path& folder, int count, int first, double grain) {
  fs::create_directories(folder);
  for (int i = first; i < first + count; ++i) {
    Image image = noise(48, 40, 3, Depth::u8, i);
    const Image coarse = noise(3, 3, 3, Depth::u8, 1000 + i);
    const Image smooth = resize(coarse, 48, 40);
    cv::addWeighted(smooth.pixels, 1 - grain, image.pixels, grain, 0, image.pixels);
    write_image(folder / fmt::format("{}.png", i), image);
  }
}

}  // namespace

TEST_CASE("eval --fid: the nearer the folders, the smaller the figures, whatever the names") {
  const TemporaryFolder folder;
  fill(folder / "real", 12, 0, 0.1);
  fill(folder / "alike", 10, 100, 0.1);
  fill(folder / "noisy", 10, 200, 0.7);
  const auto line_of = [&](const char* result) {
    const Finished finished = run_ganvas({"eval", folder / "real", folder / result, "--fid", "--json"});
    CAPTURE(finished.err);
    CHECK(finished.code == 0);
    CHECK(contains(finished.err, "too large"));  // far fewer pictures than features
    REQUIRE(finished.lines().size() == 1);
    return finished.lines()[0];
  };
  const auto same = line_of("real"), alike = line_of("alike"), noisy = line_of("noisy");
  CHECK(same.at("fid_features") == 0.0);
  CHECK(same.at("precision_features") == 1.0);
  CHECK(alike.at("reference_pictures") == 12);
  CHECK(alike.at("result_pictures") == 10);
  CHECK(alike.at("feature_network") == "features");
  CHECK_FALSE(alike.contains("fid"));
  CHECK(noisy.at("fid_features").get<double>() > 2 * alike.at("fid_features").get<double>());
  CHECK(noisy.at("kid_features").get<double>() > 2 * std::abs(alike.at("kid_features").get<double>()));
  CHECK(noisy.at("kid_std_features").get<double>() > 0);
  CHECK(alike.at("precision_features").get<double>() > 0.3);
  CHECK(noisy.at("precision_features") == 0.0);
  CHECK(noisy.at("recall_features") == 0.0);
  const Finished table = run_ganvas({"eval", folder / "real", folder / "noisy", "--fid"});
  CHECK(table.code == 0);
  for (const char* part : {"12 and 10 pictures", "'features'", "fid_features", "kid_std_features", "recall_features"})
    CHECK(contains(table.out, part));
}

TEST_CASE("eval --fid: what is wrong is named") {
  const TemporaryFolder folder;
  fill(folder / "real", 4, 0, 0.1);
  fill(folder / "one", 1, 0, 0.1);
  const auto says = [&](const std::vector<std::string>& options, int code, const std::string& part) {
    std::vector<std::string> arguments{"eval", folder / "real"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished result = run_ganvas(arguments);
    CAPTURE(result.err);
    CHECK(result.code == code);
    CHECK(contains(result.err, part));
  };
  const std::string real = folder / "real";
  says({"--fid"}, 2, "folder of results");
  says({real, "--fid", "--bicubic"}, 2, "picture by picture");
  says({real, "--fid", "--lpips"}, 2, "picture by picture");
  says({folder / "one", "--fid"}, 1, "one: a distribution needs at least 2 pictures; 1 is there");
  says({real, "--feature-network", "no-such"}, 2, "ganvas model fetch no-such");
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  says({real, "--feature-network", "inception"}, 2, "ganvas model fetch pt_inception-2015-12-05");
  ::unsetenv("XDG_CACHE_HOME");
  write_file_atomically(folder / "one/broken.png", "text");
  fill(folder / "one", 3, 5, 0.1);
  const Finished partly = run_ganvas({"eval", real, folder / "one", "--fid", "--json"});
  CHECK(partly.code == 1);
  CHECK(contains(partly.err, "broken.png"));
  REQUIRE(partly.lines().size() == 1);
  CHECK(partly.lines()[0].at("result_pictures") == 4);
}

TEST_CASE("eval --fid: Inception's figures bear the published names") {
  const TemporaryFolder folder;
  fill(folder / "a", 4, 0, 0.1);
  fill(folder / "b", 4, 10, 0.3);
  torch::manual_seed(1);
  save_feature_network(folder / "narrow.safetensors", *make_feature_network("inception-fid", {{"width", 2}}));
  const Finished result =
      run_ganvas({"eval", folder / "a", folder / "b", "--feature-network", folder / "narrow.safetensors", "--json"});
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  const auto line = result.lines()[0];
  CHECK(line.at("feature_network") == "inception");
  CHECK(line.at("features") == 128);
  for (const char* name : {"fid", "kid", "kid_std", "precision", "recall"}) CHECK(line.contains(name));
}
