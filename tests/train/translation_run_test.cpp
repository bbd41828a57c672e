// Translation runs on the shared trainer: paired ones learn, all resume exactly, and a translator that inverts colours
// is noticed and answered.
#include <torch/torch.h>

#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "support/refusal.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// A and B side by side: smooth pictures, and the same with light and dark exchanged.
void write_inverted_pairs(const fs::path& folder, int count) {
  write_pictures(folder / "plain", count, 40, 40);
  for (const auto& file : list_files(folder / "plain", false)) {
    const Image a = read_image(file).image;
    cv::Mat b, both;
    cv::subtract(cv::Scalar::all(255), a.pixels, b);
    cv::hconcat(a.pixels, b, both);
    fs::create_directories(folder / "pairs");
    write_image(folder / "pairs" / file.filename(), Image(both));
  }
  fs::remove_all(folder / "plain");
}

Recipe tiny(const std::string& task, const std::vector<std::string>& overrides = {}) {
  std::string text = "task = \"" + task + R"("
[generator]
architecture = "resnet"
width = 4
blocks = 1
[adversarial]
loss = "least-squares"
discriminator_weight = 0.5
[discriminator]
architecture = "patch"
width = 4
layers = 1
norm = "instance"
[data]
load = 36
crop = 32
hold_out = 2
[train]
steps = 6
batch = 1
precision = "fp32"
ema = 0.9
log_every = 2
validate_every = 4
checkpoint_every = 100
[optimiser.generator]
lr = 2e-3
beta1 = 0.5
[optimiser.discriminator]
lr = 2e-3
beta1 = 0.5
)";
  // Paired runs know no score of whole sets, and a U-Net no blocks.
  if (task != "pix2pix") text += "[validate]\nnetwork = \"\"\n";
  for (const auto& assignment : overrides)
    if (assignment == "generator.architecture=unet") text.erase(text.find("blocks = 1\n"), 11);
  Recipe recipe = Recipe::parse(text, "tiny.toml");
  for (const auto& assignment : overrides) recipe.set(assignment);
  return recipe;
}

TrainOptions options_for(const fs::path& out, const std::vector<fs::path>& data) {
  TrainOptions options;
  options.out = out;
  options.data.places = data;
  options.device = "cpu";
  options.threads = 1;
  return options;
}

std::vector<std::string> with_options(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("pix2pix learns a simple translation, with every published option") {
  const TemporaryFolder folder;
  write_inverted_pairs(folder.path(), 12);
  const auto l1 = [&](const char* name, const std::vector<std::string>& overrides) {
    const TrainResult result = train(tiny("pix2pix", overrides), options_for(folder / name, {folder / "pairs"}));
    CHECK(fs::exists(folder / name / "model.safetensors"));
    CHECK(result.validation.at("lattice") > 0);
    CHECK(result.validation.at("flicker") >= 0);
    return result.validation.at("l1");
  };
  const double start = l1("start", {"train.steps=1", "train.validate_every=1"});
  CHECK(l1("trained", {"train.steps=60", "train.ema=0"}) < 0.5 * start);
  // U-Net, multi-scale discriminator with feature matching, the other direction.
  CHECK(l1("unet", {"generator.architecture=unet", "generator.downs=5", "generator.width=2",
                    "discriminator.architecture=multi-scale", "loss.feature_matching=10", "data.direction=BtoA",
                    "data.preprocess=crop", "train.batch=2"}) < 1.0);
}

TEST_CASE("pix2pix: a generator that is told the target's colours learns them where the input says nothing") {
  const TemporaryFolder folder;
  // The inputs are all gray; each target has one colour.
  for (int i = 0; i < 10; ++i) {
    const int k = (3 * i + 4) % 10;  // the sixth, which is kept out, lies at an end
    Image both(80, 40, 3, Depth::u8);
    both.pixels = cv::Scalar::all(128);
    both.pixels(cv::Rect(40, 0, 40, 40)) = cv::Scalar(25 * k, 255 - 25 * k, 60 * (k % 4));
    fs::create_directories(folder / "pairs");
    write_image(folder / "pairs" / fmt::format("{}.png", i), both);
  }
  const auto l1 = [&](const char* name, const std::string& palettes) {
    return train(tiny("pix2pix",
                      {"generator.architecture=unet", "generator.downs=5", "generator.width=4", "generator.norm=none",
                       "adversarial.on=false", "train.steps=300", "train.ema=0", "train.validate_every=300", palettes}),
                 options_for(folder / name, {folder / "pairs"}))
        .validation.at("l1");
  };
  const double told = l1("told", "generator.palettes=4"), untold = l1("untold", "generator.palettes=0");
  CAPTURE(told);
  CHECK(told < 0.75 * untold);
  // What it keeps are the training pictures' own.
  const auto kept = read_safetensors(folder / "told/model.safetensors").tensors.at("palettes");
  CHECK(kept.size(0) == 4);
  CHECK(kept.slice(1, 3).abs().max().item<double>() < 1e-3);
  CHECK(kept.slice(1, 0, 3).std(0).min().item<double>() > 0.05);
}

TEST_CASE("translation: stopped at any step and resumed, every task ends with the same bytes") {
  const TemporaryFolder folder;
  write_pictures(folder / "data/A", 6, 40, 36);
  write_pictures(folder / "data/B", 5, 36, 44);
  write_inverted_pairs(folder.path(), 5);
  for (const auto& [task, overrides] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"pix2pix", {"generator.dropout=true", "adversarial.pool=3"}},
           {"pix2pix",
            {"generator.architecture=unet", "generator.downs=5", "generator.width=2", "generator.palettes=3"}},
           {"cyclegan", {"adversarial.pool=3", "augment.policy=color,flip"}},
           {"cut", {"nce.layers=0,4,10", "nce.patches=16", "nce.width=8"}},
           {"cut",
            {"nce.layers=0,4", "nce.identity=false", "nce.flip_equivariance=true", "generator.antialias=true"}}}) {
    CAPTURE(task);
    const std::vector<fs::path> data{task == "pix2pix" ? folder / "pairs" : folder / "data"};
    const fs::path whole = folder / "whole", parts = folder / "parts";
    train(tiny(task, overrides), options_for(whole, data));
    TrainOptions options = options_for(parts, data);
    for (const int stop : {1, 3, 4}) {
      options.stop_at = stop;
      train(tiny(task, overrides), options);
      options.resume = true;
    }
    options.stop_at = {};
    train(tiny(task, overrides), options);
    const Safetensors one = read_safetensors(checkpoint_of(whole)), other = read_safetensors(checkpoint_of(parts));
    CHECK(one.metadata == other.metadata);
    REQUIRE(one.tensors.size() == other.tensors.size());
    for (const auto& [key, tensor] : one.tensors) {
      CAPTURE(key);
      CHECK(torch::equal(tensor, other.tensors.at(key)));
    }
    CHECK(read_file(whole / "model.safetensors") == read_file(parts / "model.safetensors"));
    CHECK(fs::exists(whole / "model-reverse.safetensors") == (task == "cyclegan"));
    fs::remove_all(whole);
    fs::remove_all(parts);
  }
}

TEST_CASE("an unpaired translator that inverts colours is noticed, and answered as the recipe says") {
  const TemporaryFolder folder;
  write_inverted_pairs(folder.path(), 8);
  // One that has learnt nothing but inversion.
  train(tiny("pix2pix", {"train.steps=60", "train.ema=0", "adversarial.weight=0"}),
        options_for(folder / "inverter", {folder / "pairs"}));
  write_pictures(folder / "data/A", 6, 40, 40);
  write_pictures(folder / "data/B", 6, 40, 40);
  const std::string start = "generator.start=" + (folder / "inverter/model.safetensors").string();
  const auto events = [&](const char* name, const std::string& task, const std::vector<std::string>& overrides) {
    TrainOptions options = options_for(folder / name, {folder / "data"});
    options.find_model = [](const std::string& given) { return fs::path(given); };
    train(tiny(task, with_options({"monitor.window=2", "monitor.patience=2", start, "optimiser.generator.lr=1e-9"},
                                  overrides)),
          options);
    std::map<std::string, int> counts;
    for (const auto& line : log_lines(folder / name, "monitor"))
      ++counts[line.at("signal").get<std::string>() + " " + line.at("action").get<std::string>()];
    return counts;
  };
  CHECK(events("warn", "cyclegan", {})["generator.luminance_correlation warn"] >= 1);
  CHECK(events("identity", "cyclegan", {"monitor.on_inversion=identity"})["generator.luminance_correlation identity"] >=
        1);
  const Safetensors raised = read_safetensors(checkpoint_of(folder / "identity"));
  CHECK(raised.tensors.at("task/identity_raised").item<double>() >= 0.5);
  // Begun anew, it inverts no more than chance has it: no second event within these steps.
  CHECK(events("restart", "cut",
               {"nce.layers=0,4", "nce.patches=16",
                "monitor.on_inversion=restart"})["generator.luminance_correlation restart"] >= 1);
  const Safetensors begun = read_safetensors(checkpoint_of(folder / "restart")),
                    inverter = read_safetensors(folder / "inverter/model.safetensors");
  CHECK_FALSE(torch::allclose(begun.tensors.at("network/generator/model.1.weight"),
                              inverter.tensors.at("model.1.weight"), 1e-3, 1e-3));
  // An honest translator raises no alarm.
  CHECK_FALSE(
      events("calm", "cyclegan", {"monitor.inversion_low=-1"}).contains("generator.luminance_correlation warn"));
}

TEST_CASE("a collapsed translator is noticed at a batch of one, from the pictures of recent steps") {
  const TemporaryFolder folder;
  write_pictures(folder / "data/A", 6, 40, 40);
  write_pictures(folder / "data/B", 6, 40, 40);
  const auto events = [&](const char* name, const std::vector<std::string>& overrides) {
    train(tiny("cyclegan", with_options({"train.steps=40", "monitor.window=10", "monitor.patience=10", "train.batch=1"},
                                        overrides)),
          options_for(folder / name, {folder / "data"}));
    std::map<std::string, int> counts;
    for (const auto& line : log_lines(folder / name, "monitor")) ++counts[line.at("signal").get<std::string>()];
    return counts;
  };
  // The same picture whatever goes in.
  auto found = events("constant", {"generator.init=normal", "generator.init_gain=0", "optimiser.generator.lr=0"});
  CHECK(found["discriminator.diversity"] >= 1);
  CHECK(found["discriminator_reverse.diversity"] >= 1);
  CHECK(found["discriminator.nearest"] >= 1);
  // The input itself: as diverse as pictures are.
  found = events("copy", {"generator.init=identity", "generator.init_gain=0.1", "optimiser.generator.lr=1e-4"});
  CHECK(found["discriminator.nearest"] == 0);
}

TEST_CASE("pictures of any sizes train one by one, with a pool, and resume exactly") {
  const TemporaryFolder folder;
  for (const auto& [name, side] : {std::pair{"a", 40}, {"b", 36}, {"c", 44}})
    for (const char* kind : {"A", "B"}) {
      write_pictures(folder / "each", 2, side, *kind == 'A' ? 40 : side);
      for (const auto& file : list_files(folder / "each", false)) {
        fs::create_directories(folder / "data" / kind);
        fs::rename(file, folder / "data" / kind / (name + file.filename().string()));
      }
    }
  const std::vector<std::string> overrides{"data.preprocess=none", "adversarial.pool=2", "train.steps=10"};
  TrainOptions options = options_for(folder / "whole", {folder / "data"});
  train(tiny("cyclegan", overrides), options);
  options.out = folder / "parts";
  options.stop_at = 7;
  train(tiny("cyclegan", overrides), options);
  options.stop_at = {};
  options.resume = true;
  train(tiny("cyclegan", overrides), options);
  CHECK(read_file(folder / "whole/model.safetensors") == read_file(folder / "parts/model.safetensors"));
  // What needs one size says so.
  const auto message = [&](const std::string& assignment) {
    return refusal(ErrorKind::recipe, [&] {
      train(tiny("cyclegan", with_options(overrides, {assignment})), options_for(folder / "x", {folder / "data"}));
    });
  };
  says(message("regulariser.gradient_penalty=1"), {"one size", "regulariser.r1"});
  fs::remove_all(folder / "x");
  says(message("adversarial.loss=relativistic-pairing"), {"relativistic-pairing", "one size"});
}

TEST_CASE("starts: a file that hardly fits is refused, a discriminator starts from a run's, its first layers freeze") {
  const TemporaryFolder folder;
  write_pictures(folder / "data/A", 4, 40, 40);
  write_pictures(folder / "data/B", 4, 40, 40);
  const auto run = [&](const char* name, const std::vector<std::string>& overrides) {
    TrainOptions options = options_for(folder / name, {folder / "data"});
    options.find_model = [](const std::string& given) { return fs::path(given); };
    train(tiny("cyclegan", with_options({"train.steps=3"}, overrides)), options);
    return read_safetensors(checkpoint_of(folder / name)).tensors;
  };
  const StateDict first = run("first", {});
  const std::string model = (folder / "first/model.safetensors").string(), checkpoint = checkpoint_of(folder / "first");
  says(refusal(ErrorKind::model,
               [&] {
                 run("wide", {"generator.width=8", "generator.start=" + model});
               }),
       {"model.safetensors", "weights of the recipe's network", "\"width\":8", "\"width\":4"});

  const std::vector<std::string> still{"optimiser.discriminator.lr=0", "train.seed=5"};
  const StateDict started =
      run("started",
          with_options(still, {"discriminator.start=" + checkpoint, "discriminator.start_reverse=" + checkpoint}));
  const StateDict other = run("other", still);
  for (const auto& [key, tensor] : first)
    if (key.starts_with("network/discriminator") && key.ends_with("weight")) {
      CAPTURE(key);
      CHECK(torch::equal(started.at(key), tensor));
      CHECK_FALSE(torch::equal(other.at(key), tensor));
    }
  says(refusal(ErrorKind::model,
               [&] {
                 run("narrow", {"discriminator.width=8", "discriminator.start=" + checkpoint});
               }),
       {"latest.safetensors", "weights of the recipe's network", "patch"});

  const StateDict frozen = run("frozen", {"train.seed=5", "discriminator.freeze=1"});
  for (const char* name : {"network/discriminator/", "network/discriminator_reverse/"}) {
    CHECK(
        torch::equal(frozen.at(name + std::string("model.0.weight")), other.at(name + std::string("model.0.weight"))));
    CHECK_FALSE(
        torch::equal(frozen.at(name + std::string("model.2.weight")), other.at(name + std::string("model.2.weight"))));
  }
  says(refusal(ErrorKind::recipe, [&] { run("ice", {"discriminator.freeze=9"}); }),
       {"discriminator.freeze=9", "learn"});
}

TEST_CASE("translation: impossible wishes are refused in one line") {
  const TemporaryFolder folder;
  write_pictures(folder / "one", 3, 40, 40);
  write_pictures(folder / "two", 2, 40, 40);
  const auto message = [&](ErrorKind kind, const std::string& task, const std::vector<std::string>& overrides,
                           const std::vector<fs::path>& data) {
    return refusal(kind, [&] { train(tiny(task, overrides), options_for(folder / "x", data)); });
  };
  const auto paired = [&](ErrorKind kind, const std::vector<fs::path>& data) {
    return refusal(kind, [&] { train(tiny("pix2pix"), options_for(folder / "y", data)); });
  };
  says(message(ErrorKind::data, "cyclegan", {}, {folder / "one"}), {"one", "A and B"});
  says(paired(ErrorKind::data, {folder / "one", folder / "two"}), {"02.png", "no picture of this name"});
  says(message(ErrorKind::recipe, "cut", {"generator.architecture=unet", "generator.downs=5"}, {}),
       {"no encoder", "resnet"});
  says(message(ErrorKind::recipe, "cyclegan", {"data.crop=64"}, {folder / "one", folder / "two"}), {"64", "36"});
  says(message(ErrorKind::recipe, "cut", {"nce.layers=99"}, {folder / "one", folder / "two"}), {"99", "layers"});
}
