// Adversarial runs on the shared trainer: every loss with every stabiliser, the textbook failures, what the monitor
// sees of them, and exact resuming with all that has a memory of its own.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/loss/adversarial.hpp"
#include "ganvas/loss/regulariser.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "support/refusal.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// A ring of Gaussians, a few hundred steps a second.
Recipe ring(const std::vector<std::string>& overrides) {
  Recipe recipe = Recipe::parse(R"(
task = "mixture"
[mixture]
width = 64
[discriminator]
architecture = "mlp"
width = 64
[train]
steps = 3
batch = 64
precision = "fp32"
ema = 0
validate_every = 100000
[optimiser.generator]
lr = 1e-3
schedule = "constant"
[optimiser.discriminator]
lr = 1e-3
schedule = "constant"
)",
                                "ring.toml");
  for (const auto& assignment : overrides) recipe.set(assignment);
  return recipe;
}

TrainOptions run_at(const fs::path& out) {
  TrainOptions options;
  options.out = out;
  options.device = "cpu";
  options.threads = 1;
  return options;
}

std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The momentum that adversarial training is published with.
const std::vector<std::string> kCalm{"optimiser.generator.beta1=0.5", "optimiser.discriminator.beta1=0.5"};

/// Actions of the monitor by signal.
std::map<std::string, int> events_of(const fs::path& run) {
  std::map<std::string, int> events;
  for (const auto& line : log_lines(run, "monitor"))
    ++events[line.at("signal").get<std::string>() + " " + line.at("action").get<std::string>()];
  return events;
}

void check_same_run(const fs::path& a, const fs::path& b) {
  const Safetensors one = read_safetensors(checkpoint_of(a)), other = read_safetensors(checkpoint_of(b));
  CHECK(one.metadata == other.metadata);
  REQUIRE(one.tensors.size() == other.tensors.size());
  for (const auto& [key, tensor] : one.tensors) {
    CAPTURE(key);
    CHECK(torch::equal(tensor, other.tensors.at(key)));
  }
  CHECK(read_file(a / "model.safetensors") == read_file(b / "model.safetensors"));
}

}  // namespace

TEST_CASE("every loss trains with every regulariser, label option and augmentation") {
  const TemporaryFolder folder;
  std::vector<std::vector<std::string>> extras{{}};
  for (const auto& name : Regulariser::names()) extras.push_back({"regulariser." + name + "=0.5"});
  extras.push_back({"labels.real=0.9"});
  extras.push_back({"labels.real=0.9", "labels.fake=0.1", "labels.noise=0.1", "labels.flip=0.05"});
  extras.push_back({"discriminator.spectral=true", "regulariser.r1=1", "regulariser.interval=2"});
  extras.push_back(
      {"discriminator.clip_weights=0.05", "optimiser.discriminator.type=rmsprop", "adversarial.repeats=2"});
  extras.push_back({"adversarial.instance_noise=0.1", "adversarial.pool=100"});
  extras.push_back({"augment.policy=translation,flip", "augment.adaptive=true", "augment.kimg=0.1"});
  extras.push_back({"discriminator.minibatch_stddev=8", "augment.policy=color,cutout,turn", "augment.probability=0.5"});
  int runs = 0;
  for (const auto& loss : adversarial_losses())
    for (const auto& extra : extras) {
      CAPTURE(loss);
      CAPTURE(fmt::format("{}", fmt::join(extra, " ")));
      const fs::path out = folder / fmt::format("{}", runs++);
      const Recipe recipe = ring(
          joined({"adversarial.loss=" + loss, "train.batch=16", "mixture.width=8", "discriminator.width=8"}, extra));
      const TrainResult result = train(recipe, run_at(out));
      CHECK(result.steps == 3);
      const Safetensors checkpoint = read_safetensors(checkpoint_of(out));
      for (const auto& [key, tensor] : checkpoint.tensors)
        if (tensor.is_floating_point()) CHECK(tensor.isfinite().all().item<bool>());
      if (!extra.empty() && extra[0].starts_with("discriminator.clip_weights"))
        for (const auto& [key, tensor] : checkpoint.tensors)
          if (key.starts_with("network/discriminator/")) CHECK(tensor.abs().max().item<float>() <= 0.05F);
    }
  CHECK(runs == static_cast<int>(adversarial_losses().size() * extras.size()));
}

TEST_CASE("a plain minimax game collapses and the monitor says so, R1 and WGAN-GP cover all modes") {
  const TemporaryFolder folder;
  const auto play = [&](const char* name, const std::vector<std::string>& overrides) {
    return train(ring(joined(kCalm, overrides)), run_at(folder / name)).validation;
  };
  // A generator that outruns its discriminator hops from mode to mode.
  const Scalars collapsed = play("minimax", {"adversarial.loss=minimax", "train.steps=1500",
                                             "optimiser.generator.lr=3e-3", "optimiser.discriminator.lr=1e-4"});
  CHECK(collapsed.at("modes") <= 2);
  CHECK(events_of(folder / "minimax").contains("discriminator.diversity warn"));

  const Scalars penalised =
      play("wgan-gp", {"adversarial.loss=wasserstein", "regulariser.gradient_penalty=1", "adversarial.repeats=5",
                       "train.steps=1500", "optimiser.discriminator.beta2=0.9", "optimiser.generator.beta2=0.9"});
  CHECK(penalised.at("modes") == 8);
  const Scalars smooth = play("r1", {"adversarial.loss=non-saturating", "regulariser.r1=0.5", "train.steps=3000"});
  CHECK(smooth.at("modes") == 8);
  CHECK_FALSE(events_of(folder / "r1").contains("discriminator.diversity warn"));
}

TEST_CASE("the monitor lowers the winner's rate or raises the augmentation where the recipe says so") {
  const TemporaryFolder folder;
  const std::vector<std::string> collapse{"adversarial.loss=minimax", "train.steps=600",
                                          "adversarial.repeats=5",    "monitor.separation_high=0.6",
                                          "monitor.patience=100",     "train.log_every=50"};
  train(ring(joined(collapse, {"monitor.action=lower-rate"})), run_at(folder / "rate"));
  REQUIRE(events_of(folder / "rate").contains("discriminator.separation lower-rate"));
  const auto lines = log_lines(folder / "rate", "train");
  CHECK(lines.front().at("discriminator.rate").get<double>() == 1e-3);
  CHECK(lines.back().at("discriminator.rate").get<double>() < 1e-3);
  CHECK(lines.back().at("generator.rate").get<double>() == 1e-3);

  train(ring(joined(collapse, {"monitor.action=augment", "augment.policy=flip", "augment.probability=0.1"})),
        run_at(folder / "augment"));
  REQUIRE(events_of(folder / "augment").contains("discriminator.separation augment"));
  CHECK(log_lines(folder / "augment", "train").back().at("discriminator.augment").get<double>() > 0.1);
}

TEST_CASE("a NaN brings the last good checkpoint back with lower rates, and the run ends well") {
  const TemporaryFolder folder;
  // The discriminator's rate grows from harmless to ruinous until the penalty's squares overflow.
  const std::vector<std::string> risky{"adversarial.loss=wasserstein",
                                       "regulariser.gradient_penalty=1",
                                       "train.steps=40",
                                       "train.checkpoint_every=3",
                                       "train.log_every=5",
                                       "optimiser.discriminator.lr=1e4",
                                       "optimiser.discriminator.warm_up=40",
                                       "monitor.rollbacks=1000",
                                       "monitor.rate_factor=1e-8"};
  const TrainResult result = train(ring(risky), run_at(folder / "run"));
  CHECK(result.finished);
  int rollbacks = 0;
  for (const auto& line : log_lines(folder / "run", "monitor")) rollbacks += line.at("action") == "rollback";
  CHECK(rollbacks >= 1);
  for (const auto& [key, tensor] : read_safetensors(checkpoint_of(folder / "run")).tensors)
    if (tensor.is_floating_point()) CHECK(tensor.isfinite().all().item<bool>());
  // Steps in the log only rise, although some were done twice.
  std::int64_t before = 0;
  for (const auto& line : log_lines(folder / "run", "train")) {
    CHECK(line.at("step").get<std::int64_t>() > before);
    before = line.at("step").get<std::int64_t>();
  }
  says(refusal(ErrorKind::data, [&] { train(ring(joined(risky, {"monitor.on_nan=stop"})), run_at(folder / "stop")); }),
       {"step ", "checkpoint is kept", "optimiser."});
}

TEST_CASE("a NaN before the first checkpoint brings the beginning back") {
  const TemporaryFolder folder;
  const TrainResult result =
      train(ring({"adversarial.loss=wasserstein", "regulariser.gradient_penalty=1", "train.steps=10",
                  "train.checkpoint_every=1000", "optimiser.discriminator.lr=1e6", "monitor.rate_factor=1e-10"}),
            run_at(folder / "run"));
  CHECK(result.finished);
  const auto lines = log_lines(folder / "run", "monitor");
  REQUIRE(!lines.empty());
  CHECK(lines.front().at("action") == "rollback");
  CHECK(lines.front().at("text").get<std::string>().find("back to step 0") != std::string::npos);
}

TEST_CASE("adversarial super-resolution: stopped at any step and resumed, it ends with the same bytes") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 5);
  const std::vector<std::vector<std::string>> variants{
      {"discriminator.architecture=vgg-style", "adversarial.pool=3", "labels.noise=0.1", "adversarial.start=3"},
      {"discriminator.architecture=unet", "adversarial.loss=relativistic-average", "train.precision=bf16",
       "adversarial.instance_noise=0.1", "regulariser.r1=1", "regulariser.interval=3"},
      {"discriminator.architecture=patch", "discriminator.layers=1", "adversarial.loss=hinge", "adversarial.repeats=2",
       "train.accumulation=2", "augment.policy=color,translation", "augment.adaptive=true", "augment.kimg=0.01",
       "monitor.patience=2", "monitor.window=1", "monitor.action=lower-rate", "monitor.separation_high=0.5",
       "data.threads=2"}};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    CAPTURE(i);
    const Recipe recipe =
        tiny_recipe(joined({"adversarial.on=true", "discriminator.width=4", "adversarial.weight=0.1"}, variants[i]));
    const fs::path whole = folder / fmt::format("whole{}", i), parts = folder / fmt::format("parts{}", i);
    train(recipe, run_in(whole, folder / "pictures"));
    TrainOptions options = run_in(parts, folder / "pictures");
    options.resume = true;
    for (const std::int64_t stop : {2, 4, 5, 9}) {
      options.stop_at = stop;
      train(recipe, options);
    }
    options.stop_at.reset();
    train(recipe, options);
    check_same_run(whole, parts);
  }
}

TEST_CASE("adversarial recipes: contradictions are refused in one line") {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& assignment) {
    return refusal(ErrorKind::recipe, [&] { resolve_recipe(ring({assignment})); });
  };
  says(message("adversarial.loss=wgan"), {"wgan", "wasserstein"});
  says(message("labels.real=0.2"), {"labels.real"});
  says(message("augment.policy=colour"), {"colour", "color"});
  says(message("augment.adaptive=true"), {"augment.policy"});
  says(message("regulariser.r3=1"), {"regulariser.r3", "regulariser.r1?"});
  says(message("discriminator.layerz=1"), {"layerz"});
  says(message("monitor.action=panic"), {"monitor.action", "lower-rate"});
}
