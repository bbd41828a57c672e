// Training networks for any style: it learns, resumes exactly, and its options and data do what they say.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/style_network.hpp"
#include "support/refusal.hpp"
#include "train/data/style_data.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

Recipe tiny_style(const std::vector<std::string>& overrides = {}) {
  return recipe_of(R"(
task = "style-any"
[generator]
width = 8
tail_width = 4
[loss]
pixel = "l2"
grid_weight = 10
[perceptual]
network = "vgg"
criterion = "l2"
layers = ["relu2_1"]
weight = 1
normalised_weight = 1
style_layers = ["relu1_1", "relu2_1"]
statistics = "moments"
style_weight = 10
half_size = true
[data]
load = 40
crops = [24, 32]
hold_out = 2
[train]
steps = 6
batch = 4
precision = "fp32"
ema = 0.9
log_every = 1
validate_every = 3
checkpoint_every = 100
[optimiser.generator]
lr = 2e-3
)",
                   overrides);
}

/// Contents, styles and a small feature network.
class Place {
 public:
  Place() {
    write_pictures(folder_ / "contents", 6, 44, 40);
    write_pictures(folder_ / "styles", 5, 40, 52);
    torch::manual_seed(4);
    save_feature_network(folder_ / "vgg.safetensors",
                         *make_feature_network("vgg", {{"depth", 19}, {"width", 4}, {"convs", 3}}));
  }
  TrainOptions options(const std::string& out) const {
    TrainOptions options;
    options.out = folder_ / out;
    options.data.places = {folder_ / "contents", folder_ / "styles"};
    options.device = "cpu";
    options.threads = 1;
    options.find_model = [this](const std::string& name) {
      return fs::exists(name) ? fs::path(name) : folder_ / (name + ".safetensors");
    };
    return options;
  }
  TrainResult run(const std::string& out, const std::vector<std::string>& overrides = {}) const {
    return train(tiny_style(overrides), options(out));
  }
  fs::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("style-any: learns, and its model is a style network with its recipe") {
  const Place place;
  const double start =
      place.run("start", {"train.steps=1", "train.validate_every=1", "train.ema=0"}).validation.at("loss");
  const TrainResult trained = place.run("trained", {"train.steps=80", "train.ema=0", "train.validate_every=80"});
  CHECK(trained.validation.at("loss") < 0.7 * start);
  for (const char* figure : {"style", "perceptual", "normalised", "grid", "identity_psnr", "grid_levels"})
    CHECK(trained.validation.contains(figure));
  const StyleNetworkPtr network = load_style_network({place / "trained/model.safetensors"});
  REQUIRE(network);
  CHECK(network->architecture() == "any-style");
  CHECK(network->config().at("width") == 8);
  // Fine-tuning on one style begins where the other ended.
  TrainOptions options = place.options("tuned");
  options.data.places[1] = place / "styles/00.png";
  const std::string start_from = "generator.start=" + (place / "trained/model.safetensors").string();
  CHECK(
      train(tiny_style({start_from, "train.steps=2", "train.validate_every=2"}), options).validation.contains("loss"));
  says(refusal(ErrorKind::recipe,
               [&] { place.run("other", {"generator.start=" + (place / "vgg.safetensors").string()}); }),
       {"generator.start", "no style network"});
}

TEST_CASE("style-any: stopped and resumed, it ends with the same bytes, noise of the stability included") {
  const Place place;
  const std::vector<std::string> noisy{"style.stability=1"};
  place.run("whole", noisy);
  TrainOptions options = place.options("parts");
  options.stop_at = 4;
  train(tiny_style(noisy), options);
  options.stop_at = {};
  options.resume = true;
  train(tiny_style(noisy), options);
  CHECK(read_file(place / "whole/model.safetensors") == read_file(place / "parts/model.safetensors"));
  // Each option of [style] changes what is learnt.
  const Bytes whole = read_file(place / "whole/model.safetensors");
  for (const char* other : {"style.noise=0.2", "style.identity_every=1", "style.stability=0", "loss.identity=3"}) {
    CAPTURE(other);
    place.run(std::string("other-") + other, {"style.stability=1", other});
    const bool same = read_file(place / ("other-" + std::string(other)) / "model.safetensors") == whole;
    CHECK_FALSE(same);
  }
}

TEST_CASE("style-any: crops of several sizes, batches for the same work, contents that are their own style") {
  const Place place;
  Recipe recipe = Recipe::parse(
      "[data]\nload = 40\ncrops = [16, 32]\ncrop_shares = [3, 1]\nsmallest_scale = 0.5\nhold_out = 1\n", "data.toml");
  TaskContext context{.recipe = recipe,
                      .data = place.options("none").data,
                      .device = torch::kCPU,
                      .seed = 5,
                      .batch = 8,
                      .bf16 = false,
                      .steps = 100,
                      .find_model = {}};
  StyleData data(context, {.identity_every = 4});
  data.load();
  CHECK(data.validation().size() == 1);
  int large = 0, own = 0, samples = 0;
  for (std::int64_t step = 0; step < 200; ++step) {
    const Batch batch = data.batch(step);
    const torch::Tensor content = batch.at("content"), style = batch.at("style");
    REQUIRE(content.sizes() == style.sizes());
    CHECK(content.size(2) == content.size(3));
    CHECK((content.size(2) == 16 || content.size(2) == 32));
    CHECK(content.size(0) == (content.size(2) == 16 ? 8 : 2));
    large += content.size(2) == 32;
    const auto same = batch.at("same").item<std::int64_t>(), count = content.size(0);
    for (std::int64_t i = 0; i < count; ++i) CHECK(torch::equal(content[i], style[i]) == (i >= count - same));
    own += static_cast<int>(same);
    samples += static_cast<int>(count);
    CHECK(torch::equal(content, data.batch(step).at("content")));
  }
  CHECK(large > 30);
  CHECK(large < 70);
  CHECK(own > samples / 6);
  CHECK(own < samples / 3);

  const auto refused = [&](const std::string& keys) {
    Recipe wrong = Recipe::parse("[data]\nload = 40\n" + keys, "wrong.toml");
    TaskContext other = {.recipe = wrong,
                         .data = {},
                         .device = torch::kCPU,
                         .seed = 1,
                         .batch = 2,
                         .bf16 = false,
                         .steps = 1,
                         .find_model = {}};
    return refusal(ErrorKind::recipe, [&] { StyleData(other, {}); });
  };
  says(refused("crops = [32, 16]\n"), {"data.crops", "rising"});
  says(refused("crops = [48]\n"), {"data.crops", "data.load (40)"});
  says(refused("crops = [16, 32]\ncrop_shares = [1]\n"), {"data.crop_shares"});
  says(refused("crops = [16, 32]\ncrop_shares = [0, 0]\n"), {"data.crop_shares"});
}

TEST_CASE("style: one style learns with a weight that follows from its first losses, and resumes exactly") {
  const Place place;
  const auto recipe = [](const std::vector<std::string>& overrides) {
    return recipe_of(R"(
task = "style"
[generator]
width = 4
blocks = 1
[style]
balance = 3
[perceptual]
network = "vgg"
criterion = "l2"
layers = ["relu2_1"]
weight = 1
style_layers = ["relu1_1", "relu2_1"]
style_weight = 100
[data]
load = 40
crops = [32]
hold_out = 2
[train]
steps = 6
batch = 2
precision = "fp32"
ema = 0
log_every = 1
validate_every = 6
[optimiser.generator]
lr = 2e-3
)",
                     overrides);
  };
  const auto options = [&](const std::string& name) {
    TrainOptions options = place.options(name);
    options.data.places[1] = place / "styles/00.png";
    return options;
  };
  train(recipe({}), options("whole"));
  const auto first = log_lines(place / "whole", "train").front();
  CHECK(first.at("style").get<double>() == doctest::Approx(3 * first.at("perceptual").get<double>()).epsilon(1e-4));
  // Whatever the recipe's own weight is.
  train(recipe({"perceptual.style_weight=1"}), options("other"));
  const auto other = log_lines(place / "other", "train").front();
  CHECK(other.at("style").get<double>() == doctest::Approx(first.at("style").get<double>()).epsilon(1e-3));

  TrainOptions parts = options("parts");
  parts.stop_at = 3;
  train(recipe({}), parts);
  parts.stop_at = {};
  parts.resume = true;
  train(recipe({}), parts);
  CHECK(read_file(place / "whole/model.safetensors") == read_file(place / "parts/model.safetensors"));
  // Its pictures begin black, and their values go to 255.
  const auto learnt = [&](const char* name, const std::string& steps) {
    return train(recipe({"style.balance=0", "optimiser.generator.lr=0.02", "train.steps=" + steps,
                         "train.validate_every=" + steps}),
                 options(name));
  };
  const TrainResult start = learnt("start", "1"), trained = learnt("trained", "250");
  CHECK(trained.validation.at("loss") < 0.8 * start.validation.at("loss"));
  CHECK(load_generator(place / "trained/model.safetensors").network->architecture() == "transformer-net");
}
