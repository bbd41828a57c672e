// Runs that learn to make pictures from noise: they resume exactly, with classes, style mixing, path lengths and
// adaptive augmentation; what can't be learnt from is said in one line.
#include <torch/torch.h>

#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"
#include "train/data/nearest_pictures.hpp"
#include "train/game/growth.hpp"
#include "train/optim/ema.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

Recipe tiny_noise(const std::string& networks, const std::vector<std::string>& overrides = {}) {
  Recipe recipe = Recipe::parse("task = \"noise\"\n" + networks + R"(
[data]
hold_out = 2
[validate]
network = ""
[train]
steps = 6
batch = 4
precision = "fp32"
ema = 0.9
log_every = 2
validate_every = 4
checkpoint_every = 100
[optimiser.generator]
lr = 2e-3
[optimiser.discriminator]
lr = 2e-3
)",
                                "noise.toml");
  for (const auto& assignment : overrides) recipe.set(assignment);
  return recipe;
}

const std::string style_networks = R"(
[generator]
architecture = "stylegan2"
noise = 6
mapping_layers = 1
widths = [6, 4, 4]
[discriminator]
architecture = "stylegan2"
widths = [4, 4, 6]
mapping_layers = 1
[noise]
mixing = 0.9
path_length = 2.0
path_interval = 2
[regulariser]
r1 = 1.0
interval = 2
[augment]
policy = ["flip", "color"]
adaptive = true
probability = 0.3
kimg = 0.1
)";
const std::string plain_networks = R"(
[generator]
architecture = "dcgan"
noise = 6
widths = [6, 4]
init = "normal"
[discriminator]
architecture = "dcgan"
widths = [4, 6]
norm = "none"
[adversarial]
loss = "wasserstein"
repeats = 2
[regulariser]
gradient_penalty = 10.0
)";
const std::string residual_networks = R"(
[generator]
architecture = "r3gan"
noise = 6
widths = [8, 8, 8]
group_width = 8
[discriminator]
architecture = "r3gan"
widths = [8, 8, 8]
group_width = 8
[adversarial]
loss = "relativistic-pairing"
[regulariser]
r1 = 1.0
r2 = 1.0
)";

const std::string growing_networks = R"(
[generator]
architecture = "progressive"
noise = 6
widths = [6, 6, 4]
[discriminator]
architecture = "progressive"
widths = [4, 6, 6]
[adversarial]
loss = "wasserstein"
[regulariser]
gradient_penalty = 10.0
drift = 0.001
[growth]
on = true
fade_steps = [1, 1, 2]
stable_steps = [1]
batches = [4, 3, 2]
)";

TrainOptions options_for(const fs::path& out, const fs::path& data) {
  TrainOptions options;
  options.out = out;
  options.data.places = {data};
  options.device = "cpu";
  return options;
}

}  // namespace

TEST_CASE("noise: a resumed run ends with the same bytes, with classes, mixing, path lengths and augmentation") {
  TemporaryFolder folder;
  for (const char* name : {"rose", "tulip"}) write_pictures(folder.path() / "data" / name, 12, 20, 16);
  int number = 0;
  for (const auto& [networks, overrides] :
       {std::pair{style_networks, std::vector<std::string>{"data.classes=true"}},
        {style_networks, {}},
        {plain_networks, {}},
        {residual_networks, {"data.channels=1", "data.fit=pad"}},
        {residual_networks,
         {"augment.policy=color", "augment.adaptive=false", "augment.probability=0", "anneal.augment.probability=0.8",
          "anneal.regulariser.r1=0.1", "anneal.optimiser.discriminator.beta2=0.5", "anneal.optimiser.generator.lr=1e-4",
          "optimiser.generator.schedule=constant", "train.ema=", "anneal.train.ema_kimg=0.05", "anneal.kimg=0.018"}},
        {growing_networks, {"train.ema=", "train.ema_kimg=0.05", "train.ema_rampup=0.5"}},
        {growing_networks, {"data.classes=true"}}}) {
    CAPTURE(networks);
    const fs::path whole = folder / fmt::format("whole{}", number), parts = folder / fmt::format("parts{}", number);
    ++number;
    TrainOptions options = options_for(whole, folder / "data");
    CHECK(train(tiny_noise(networks, overrides), options).finished);
    options.out = parts;
    // Of growing pictures: within the second level, then within the third one's fade.
    for (const std::int64_t stop : {3, 4}) {
      options.stop_at = stop;
      train(tiny_noise(networks, overrides), options);
      options.resume = true;
    }
    options.stop_at.reset();
    train(tiny_noise(networks, overrides), options);
    CHECK(read_file(whole / "model.safetensors") == read_file(parts / "model.safetensors"));
    const LoadedNoiseGenerator loaded = load_noise_generator(whole / "model.safetensors");
    if (!overrides.empty() && overrides.front() == "data.classes=true")
      CHECK(loaded.class_names == std::vector<std::string>{"rose", "tulip"});
    for (const auto& line : log_lines(whole, "train"))
      for (const auto& [key, value] : line.items())
        if (value.is_number()) CHECK(std::isfinite(value.get<double>()));
  }
}

TEST_CASE(
    "growth: levels, fades and batches follow from the step, and a level begins with optimisers that know nothing") {
  Recipe recipe = Recipe::parse(
      "[growth]\non = true\nfade_steps = [9, 4, 2]\nstable_steps = [3, 5, 1]\nbatches = [8, 4, 2]\n", "growth.toml");
  const Growth growth(recipe, 16, 100, 8);
  recipe.check_all_read();
  const auto is = [&](std::int64_t step, int level, double fade, bool begins) {
    const Growth::Place place = growth.at(step);
    CHECK(place.level == level);
    CHECK(place.fade == doctest::Approx(fade));
    CHECK(place.begins == begins);
  };
  is(0, 0, 1, false);
  is(2, 0, 1, false);
  is(3, 1, 0.25, true);
  is(4, 1, 0.5, false);
  is(6, 1, 1, false);
  is(11, 1, 1, false);
  is(12, 2, 0.5, true);
  is(13, 2, 1, false);
  is(99, 2, 1, false);
  CHECK(growth.batch(0) == 8);
  CHECK(growth.batch(2) == 2);
  // Pictures of a level: means of what they cover, the level below mixed in as the networks enlarge it.
  torch::manual_seed(1);
  const torch::Tensor pictures = torch::rand({2, 3, 16, 16});
  const torch::Tensor small = torch::avg_pool2d(pictures, 2), below = torch::avg_pool2d(pictures, 4);
  const torch::Tensor shown = growth.shrunk(pictures, growth.at(3));
  CHECK(
      torch::allclose(shown, 0.25 * small + 0.75 * below.repeat_interleave(2, 2).repeat_interleave(2, 3), 1e-5, 1e-6));
  CHECK(torch::equal(growth.shrunk(pictures, growth.at(50)), pictures));
  const auto with = [](const std::string& lines, int size) {
    return refusal(ErrorKind::recipe, [&] {
      Recipe wrong = Recipe::parse("[growth]\non = true\n" + lines, "growth.toml");
      Growth(wrong, size, 100, 8);
    });
  };
  says(with("", 24), {"growth.on", "24"});
  says(with("batches = [8, 16, 2]", 16), {"growth.batches", "16", "8"});
  says(with("fade_steps = [1, 2]", 16), {"growth.fade_steps", "2 numbers", "3 levels"});
  says(refusal(ErrorKind::recipe, [] { resolve_recipe(tiny_noise(plain_networks, {"growth.on=true"})); }),
       {"dcgan", "doesn't grow", "progressive"});
}

TEST_CASE("averages: a half-life in pictures is what it says, and begins short") {
  const EmaPace pace{.half_life = 1000, .ramp_up = 0.1, .batch = 10};
  CHECK(pace.on());
  // After 100 steps of 10 pictures half of what was is left.
  CHECK(std::pow(pace.at(100'000), 100) == doctest::Approx(0.5));
  // 100 pictures seen, so a half-life of 10, a step's worth.
  CHECK(pace.at(10) == doctest::Approx(0.5));
  // Growing from none, at the first step what is averaged is what was learnt, and half-way it is half of the last.
  const EmaPace growing{.half_life = {0, 1000, 200}, .batch = 10};
  CHECK(growing.on());
  CHECK(growing.at(1) == 0);
  CHECK(std::pow(growing.at(101), 50) == doctest::Approx(0.5));
  CHECK_FALSE(EmaPace{}.on());
  const auto with = [](const std::vector<std::string>& overrides) {
    return refusal(ErrorKind::recipe, [&] { resolve_recipe(tiny_noise(plain_networks, overrides)); });
  };
  says(with({"train.ema_kimg=1"}), {"train.ema", "train.ema_kimg"});
  says(with({"train.ema_rampup=0.1"}), {"train.ema_rampup", "train.ema_kimg"});
}

TEST_CASE("nearest pictures: a copy is found, mirrored or brightened by a little, among others") {
  TemporaryFolder folder;
  write_pictures(folder / "data", 12, 24, 24);
  std::vector<Image> all;
  for (const auto& file : list_files(folder / "data", false)) all.push_back(read_image(file).image);
  NearestPictures nearest;
  nearest.load(all.size(), [&](std::size_t i) { return all[i]; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(nearest(all[i]).index == i);
    CHECK(nearest(all[i]).distance < 1e-6);
    cv::Mat mirrored;
    cv::flip(all[i].pixels, mirrored, 1);
    CHECK(nearest(Image(mirrored)).index == i);
    CHECK(nearest(Image(cv::Mat(mirrored + cv::Scalar::all(3)))).index == i);
  }
  CHECK(nearest.median_distance(all) < 1e-6);
}

TEST_CASE("noise: validation says how much the discriminator knows by heart and how near the samples are") {
  TemporaryFolder folder;
  write_pictures(folder / "data", 24, 16, 16);
  train(tiny_noise(plain_networks), options_for(folder / "run", folder / "data"));
  const auto lines = log_lines(folder / "run", "validation");
  REQUIRE_FALSE(lines.empty());
  for (const auto& line : lines)
    for (const char* figure : {"discriminator.training", "discriminator.held_out", "nearest_training"}) {
      CAPTURE(figure);
      REQUIRE(line.contains(figure));
      CHECK(std::isfinite(line.at(figure).get<double>()));
    }
}

TEST_CASE("noise: on real pictures, a generator that collapses is noticed") {
  const fs::path data = shared_folder() / "data" / "generate" / "tiny";
  SKIP_WITHOUT(data);
  TemporaryFolder folder;
  // One number of noise, a discriminator that learns fast, no stabiliser: every picture becomes the same.
  const std::vector<std::string> collapsing{"generator.noise=1",
                                            "train.steps=80",
                                            "train.batch=8",
                                            "regulariser.gradient_penalty=0",
                                            "adversarial.loss=minimax",
                                            "adversarial.repeats=1",
                                            "optimiser.discriminator.lr=5e-3",
                                            "monitor.window=10",
                                            "monitor.patience=20",
                                            "train.validate_every=1000"};
  train(tiny_noise(plain_networks, collapsing), options_for(folder / "run", data));
  bool noticed = false;
  for (const auto& line : log_lines(folder / "run", "monitor"))
    noticed |= line.at("text").get<std::string>().find("collapse") != std::string::npos;
  CHECK(noticed);
}

TEST_CASE("noise: what can't be learnt from is said in one line") {
  TemporaryFolder folder;
  write_pictures(folder / "few", 3, 16, 16);
  fs::create_directories(folder / "empty");
  write_pictures(folder.path() / "single" / "a", 4, 16, 16);
  write_pictures(folder.path() / "single" / "b", 1, 16, 16);
  const auto with = [&](const char* place, const std::vector<std::string>& overrides,
                        ErrorKind kind = ErrorKind::data) {
    return refusal(kind,
                   [&] { train(tiny_noise(plain_networks, overrides), options_for(folder / "out", folder / place)); });
  };
  says(with("few", {}), {"3 training pictures", "train.batch"});
  says(with("empty", {}), {"empty", "no pictures"});
  says(with("few", {"data.classes=true"}), {"classes are folders"});
  says(with("single", {"data.classes=true"}), {"'b'", "one picture"});
  says(with("few", {"noise.mixing=0.5"}, ErrorKind::recipe), {"noise.mixing", "dcgan"});
  says(with("few", {"generator.widths=4"}, ErrorKind::recipe), {"widths"});
}
