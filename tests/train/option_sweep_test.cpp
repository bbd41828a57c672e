// Every option of the tables that adversarial tasks share, in every such task: it is taken and changes the run, or it
// is refused with the reason why it can't mean anything there.
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/registry.hpp"
#include "support/refusal.hpp"
#include "train/game/adversarial_task.hpp"
#include "train/loop/learner.hpp"
#include "train/loop/pointless.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// What every task is told of itself; pictures of 40 x 40 come from the folders A and B, partners by name.
std::string particulars_of(const std::string& task) {
  const std::string translator = R"(
[generator]
architecture = "resnet"
width = 4
blocks = 1
[data]
load = 36
crop = 32
hold_out = 0
)";
  if (task == "super-resolution")
    return "[generator]\nscale = 2\nchannels = 4\nconvs = 1\n[data]\ncrop = 16\n"
           "hold_out = 0\n";
  if (task == "pix2pix") return translator;
  if (task == "cyclegan") return translator + "[validate]\nnetwork = \"\"\n";
  if (task == "cut") return translator + "[validate]\nnetwork = \"\"\n[nce]\nlayers = [0, 4]\npatches = 8\nwidth = 4\n";
  if (task == "noise")
    return "[generator]\narchitecture = \"dcgan\"\nnoise = 4\nwidths = [4, 4, 4]\n[data]\nhold_out = 0\n"
           "[validate]\nnetwork = \"\"\n";
  if (task == "style-any")
    return "[generator]\nwidth = 4\ntail_width = 4\n[style]\nidentity_every = 3\n[data]\nload = 36\ncrops = [32]\n";
  if (task == "style")
    return "[generator]\nwidth = 4\nblocks = 1\n[style]\nbalance = 0\n[loss]\npixel_weight = 0.1\n[data]\nload = "
           "36\ncrops = [32]\n";
  if (task == "mixture") return "[mixture]\nwidth = 8\n";
  FAIL("a new adversarial task: say here how it is made small");
  return "";
}

const std::set<std::string>& tasks_without_adversaries() {
  static const std::set<std::string> names{"distill"};
  return names;
}

std::vector<std::string> adversarial_tasks() {
  std::vector<std::string> names;
  for (const auto& plugin : task_plugins())
    if (!tasks_without_adversaries().contains(plugin.name)) names.push_back(plugin.name);
  return names;
}

std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Recipe small(const std::string& task, const std::vector<std::string>& overrides) {
  const bool points = task == "mixture";
  Recipe recipe = Recipe::parse("task = \"" + task + "\"\n" + particulars_of(task) + R"(
[adversarial]
on = true
[discriminator]
width = 4
[train]
steps = 3
precision = "fp32"
ema = 0
[optimiser.generator]
lr = 2e-3
[optimiser.discriminator]
lr = 2e-3
)",
                                "small.toml");
  recipe.set(points ? "discriminator.architecture=mlp" : "discriminator.architecture=patch");
  recipe.set(points ? "train.batch=16" : "train.batch=2");
  for (const auto& assignment : overrides) recipe.set(assignment);
  return recipe;
}

/// Folders A and B, and small feature networks with random weights by the names "features", "other" and "padded".
class Bench {
 public:
  Bench() {
    write_pictures(folder_ / "A", 3, 40, 40);
    write_pictures(folder_ / "B", 3, 40, 40);
    for (const char* name : {"features", "other"}) {
      torch::manual_seed(std::string(name).size());
      const auto network = make_feature_network("small-features", {{"channels", 4}, {"squeeze", 2}});
      network->set_heads(heads_for(*network));
      save_feature_network(folder_ / (std::string(name) + ".safetensors"), *network);
      if (std::string(name) == "other") write_safetensors(folder_ / "heads.safetensors", heads_for(*network), {});
    }
    save_feature_network(folder_ / "padded.safetensors",
                         *make_feature_network("vgg", {{"depth", 16}, {"convs", 2}, {"width", 4}}));
    for (const auto& task : adversarial_tasks()) write_adversaries(task);
  }

  /// All that three steps do, as one text: numbers, weights, what the monitor says and whether it allows a roll-back.
  std::string trace(const std::string& task, const std::vector<std::string>& overrides) {
    Recipe recipe = small(task, overrides);
    const auto learner = learner_of(recipe);
    Task& game = learner->task();
    game.load_data();
    std::string text;
    for (std::int64_t step = 0; step < 3; ++step) {
      std::vector<Batch> batches;
      for (int i = 0; i < learner->batches_per_step(); ++i)
        batches.push_back(game.make_batch(step * learner->batches_per_step() + i));
      const Scalars scalars = learner->step(step, batches);
      for (const auto& [name, value] : scalars) text += fmt::format("{} {:a}\n", name, value);
      for (const auto& finding : learner->watch(step + 1, scalars))
        text += fmt::format("{} {} {}\n", finding.signal, finding.action, finding.text);
      for (const auto& [name, rate] : learner->rates(step)) text += fmt::format("{} {:a}\n", name, rate);
    }
    for (const auto& network : game.networks())
      for (const auto& [key, tensor] : state_dict_of(*network.module))
        text += fmt::format("{}.{} {:a}\n", network.name, key, tensor.to(torch::kDouble).sum().item<double>());
    for (const auto& [key, tensor] : game.state())
      text += fmt::format("{} {:a}\n", key, tensor.to(torch::kDouble).sum().item<double>());
    for (int i = 0; i < 4; ++i) text += learner->may_roll_back() ? "back " : "end ";
    return text;
  }

  /// The keys of a task's recipe in force.
  std::vector<std::string> keys_of(const std::string& task, const std::vector<std::string>& overrides) {
    Recipe recipe = small(task, overrides);
    const auto learner = learner_of(recipe);
    CHECK(dynamic_cast<AdversarialTask*>(&learner->task()));
    return Recipe::parse(recipe.resolved(), "resolved").given();
  }

 private:
  static StateDict heads_for(FeatureNetwork& network) {
    StateDict heads;
    const auto layers = network.lpips_layers();
    for (std::size_t i = 0; i < layers.size(); ++i)
      heads.set(fmt::format("lin{}.model.1.weight", i), torch::rand({1, network.channels(layers[i]), 1, 1}));
    return heads;
  }

  /// "judge": as a run's checkpoint holds adversaries, other ones than the sweep's own.
  void write_adversaries(const std::string& task) {
    Recipe recipe = small(task, {"train.seed=9"});
    StateDict weights;
    for (const auto& network : learner_of(recipe)->task().networks())
      if (network.name.starts_with("discriminator"))
        for (const auto& [key, tensor] : state_dict_of(*network.module))
          weights.set("network/" + network.name + "/" + key, tensor);
    write_safetensors(folder_ / (task + "-judge.safetensors"), weights, {});
  }

  std::unique_ptr<Learner> learner_of(Recipe& recipe) {
    const torch::Device cpu(torch::kCPU);
    const TrainSettings settings = read_settings(recipe, cpu);
    TrainOptions options;
    if (settings.task == "super-resolution") options.data.places = {folder_ / "A"};
    else options.data.places = {folder_ / "A", folder_ / "B"};
    options.find_model = [this, task = settings.task](const std::string& name) {
      return folder_ / ((name == "judge" ? task + "-judge" : name) + ".safetensors");
    };
    torch::manual_seed(settings.seed);
    auto learner = std::make_unique<Learner>(recipe, settings, options, cpu, alone_);
    recipe.check_all_read();
    return learner;
  }

  TemporaryFolder folder_;
  Distributed alone_;
};

/// Another value of an option, and what else must be set for it to matter.
struct Probe {
  std::string key, value;
  std::vector<std::string> with{};
  bool own = false;  ///< of some networks or tasks only: passed over where the recipe doesn't have it
};

// The monitor speaks at once, at every step.
const std::vector<std::string> kLoud{"monitor.window=1", "monitor.patience=1"};
const std::vector<std::string> kAlarm = joined(kLoud, {"monitor.gradient_high=0"});
// Adaptive augmentation that moves at every step.
const std::vector<std::string> kAdaptive{"augment.policy=color", "augment.adaptive=true", "augment.probability=0.5",
                                         "augment.interval=1", "augment.kimg=0.01"};
const std::vector<std::string> kFeatures{"perceptual.weight=1", "perceptual.layers=relu1,block3"};

const std::vector<Probe>& probes() {
  static const std::vector<Probe> all{
      {"adversarial.on", "false"},
      {"adversarial.loss", "hinge"},
      {"adversarial.weight", "2"},
      {"adversarial.discriminator_weight", "3"},
      {"adversarial.start", "1"},
      {"adversarial.repeats", "2"},
      {"adversarial.interval", "2"},
      {"adversarial.pool", "1"},
      {"adversarial.instance_noise", "0.1"},
      {"adversarial.instance_noise_until", "0.3", {"adversarial.instance_noise=0.1"}},

      {"discriminator.architecture", "pixel"},
      {"discriminator.init", "normal"},
      {"discriminator.init_gain", "0.5", {"discriminator.init=normal"}},
      {"discriminator.clip_weights", "0.01"},
      {"discriminator.start", "judge"},
      {"discriminator.start_reverse", "judge"},
      {"discriminator.freeze", "1"},
      {"discriminator.width", "5"},
      {"discriminator.spectral", "true"},
      {"discriminator.minibatch_stddev", "2"},
      {"discriminator.layers", "1", {}, true},
      {"discriminator.norm", "instance", {}, true},

      {"labels.real", "0.9"},
      {"labels.fake", "0.1"},
      {"labels.noise", "0.1"},
      {"labels.flip", "0.5"},

      {"regulariser.r1", "0.5"},
      {"regulariser.r2", "0.5"},
      {"regulariser.gradient_penalty", "0.5"},
      {"regulariser.zero_gradient_penalty", "0.5"},
      {"regulariser.dragan", "0.5"},
      {"regulariser.drift", "0.5"},
      {"regulariser.interval", "2", {"regulariser.r1=0.5"}},

      {"augment.policy", "color"},
      {"augment.probability", "0.5", {"augment.policy=color"}},
      {"augment.adaptive", "true", {"augment.policy=color"}},
      {"augment.target", "0",
       joined(kAdaptive, {"augment.target=1", "optimiser.discriminator.lr=0.02", "labels.fake=0.5", "train.seed=3"})},
      {"augment.interval", "2", kAdaptive},
      {"augment.kimg", "1", kAdaptive},
      {"augment.limit", "0.2", kAdaptive},

      {"loss.pixel", "l2", {"loss.pixel_weight=1"}},
      {"loss.pixel_weight", "0.7"},
      {"loss.luma_weight", "1"},
      {"loss.tv_weight", "1"},
      {"loss.grid_weight", "100"},
      {"loss.feature_matching", "1"},
      {"loss.steady_weight", "1"},
      {"loss.cycle", "3"},
      {"loss.identity", "2"},

      {"perceptual.network", "other", kFeatures},
      {"perceptual.layers", "block5", {"perceptual.weight=1", "perceptual.layers=relu1"}},
      {"perceptual.layer_weights", "1,3", kFeatures},
      {"perceptual.criterion", "l2", kFeatures},
      {"perceptual.weight", "1", {"perceptual.layers=relu1"}},
      {"perceptual.style_weight", "1", {"perceptual.layers=relu1"}},
      {"perceptual.normalised_weight", "1", {"perceptual.layers=relu1"}},
      {"perceptual.style_layers", "block3", {"perceptual.style_weight=1", "perceptual.layers=relu1"}},
      {"perceptual.statistics", "moments", {"perceptual.style_weight=1", "perceptual.layers=relu1"}},
      {"perceptual.half_size", "true", {"perceptual.style_weight=1", "perceptual.layers=relu1"}},
      {"perceptual.lpips_weight", "1"},
      {"perceptual.shift", "4", {"perceptual.weight=1", "perceptual.layers=relu1"}},
      {"perceptual.heads", "heads", {"perceptual.lpips_weight=1"}},
      {"perceptual.input", "plain", kFeatures},
      {"perceptual.padding",
       "reflect",
       {"perceptual.network=padded", "perceptual.weight=1", "perceptual.layers=conv1_2"}},

      {"anneal.kimg", "0.002", {"anneal.adversarial.weight=3"}},
      {"anneal.adversarial.weight", "3"},
      {"anneal.regulariser.r1", "1"},
      {"anneal.augment.probability", "1", {"augment.policy=color", "augment.probability=0.1"}},
      {"anneal.optimiser.generator.lr", "1e-2", {"optimiser.generator.schedule=constant"}},
      {"anneal.optimiser.discriminator.beta2", "0.5"},

      {"monitor.on", "false", kAlarm},
      {"monitor.window", "2", kAlarm},
      {"monitor.patience", "2", kAlarm},
      {"monitor.gradient_high", "0", kLoud},
      {"monitor.gradient_low", "1e30", kLoud},
      {"monitor.diversity_low", "100", joined(kLoud, {"monitor.diversity_low=0"})},
      {"monitor.nearest_low", "100", joined(kLoud, {"monitor.nearest_low=0"})},
      {"monitor.separation_high", "0.5",
       joined(kLoud, {"monitor.separation_high=1", "optimiser.discriminator.lr=0.02"})},
      {"monitor.ratio_high", "1", kLoud},
      {"monitor.inversion_low", "0", joined(kLoud, {"monitor.inversion_low=-1"})},
      {"monitor.on_inversion", "restart", joined(kLoud, {"monitor.inversion_low=0"})},
      {"monitor.action", "lower-rate", kAlarm},
      {"monitor.rate_factor", "0.1", joined(kAlarm, {"monitor.action=lower-rate"})},
      {"monitor.augment_step", "0.3",
       joined(kAlarm, {"monitor.action=augment", "augment.policy=color", "augment.probability=0.1"})},
      {"monitor.on_nan", "stop"},
      {"monitor.rollbacks", "1"},
  };
  return all;
}

bool in_table(const std::string& key, const std::string& table) { return key.starts_with(table + "."); }

/// Every probe of a table in every task.
void sweep(const std::string& table) {
  Bench bench;
  int changed = 0;
  for (const auto& task : adversarial_tasks()) {
    const auto keys = bench.keys_of(task, {});
    std::map<std::vector<std::string>, std::string> usual;
    for (const auto& probe : probes()) {
      if (!in_table(probe.key, table)) continue;
      CAPTURE(task);
      CAPTURE(probe.key);
      if (probe.own && std::find(keys.begin(), keys.end(), probe.key) == keys.end()) continue;
      const std::string assignment = probe.key + "=" + probe.value;
      if (const auto* pointless = pointless_option(task, probe.key)) {
        says(refusal(ErrorKind::recipe, [&] { bench.trace(task, {assignment}); }),
             {"small.toml", pointless->reason.c_str()});
        continue;
      }
      auto before = usual.find(probe.with);
      if (before == usual.end()) before = usual.emplace(probe.with, bench.trace(task, probe.with)).first;
      const bool differs = bench.trace(task, joined(probe.with, {assignment})) != before->second;
      CHECK(differs);
      ++changed;
    }
  }
  CHECK(changed > 0);
}

}  // namespace

TEST_CASE("options in every adversarial task: [adversarial]") { sweep("adversarial"); }
TEST_CASE("options in every adversarial task: [discriminator]") { sweep("discriminator"); }
TEST_CASE("options in every adversarial task: [labels]") { sweep("labels"); }
TEST_CASE("options in every adversarial task: [regulariser]") { sweep("regulariser"); }
TEST_CASE("options in every adversarial task: [augment]") { sweep("augment"); }
TEST_CASE("options in every adversarial task: [loss]") { sweep("loss"); }
TEST_CASE("options in every adversarial task: [perceptual]") { sweep("perceptual"); }
TEST_CASE("options in every adversarial task: [anneal]") { sweep("anneal"); }
TEST_CASE("options in every adversarial task: [monitor]") { sweep("monitor"); }

TEST_CASE("options in every adversarial task: none is forgotten, and a trace is the same twice") {
  Bench bench;
  std::set<std::string> probed;
  for (const auto& probe : probes()) probed.insert(probe.key);
  for (const auto& task : adversarial_tasks()) {
    CAPTURE(task);
    for (const auto& key : bench.keys_of(task, {}))
      for (const char* table : {"adversarial", "discriminator", "labels", "regulariser", "augment", "loss",
                                "perceptual", "monitor", "anneal"}) {
        CAPTURE(key);
        if (in_table(key, table)) CHECK(probed.contains(key));
      }
    const bool same = bench.trace(task, {}) == bench.trace(task, {});
    CHECK(same);
  }
  // Reasons are for keys that exist.
  for (const auto& option : pointless_options())
    if (!in_table(option.key, "generator"))
      CHECK(std::any_of(probed.begin(), probed.end(),
                        [&](const std::string& key) { return key.starts_with(option.key); }));
}

TEST_CASE("options that mean nothing to a task: at their defaults they are no mistake, otherwise the reason is given") {
  const auto with = [](const std::string& task, const std::string& assignment) {
    return refusal(ErrorKind::recipe, [&] { resolve_recipe(small(task, {assignment})); });
  };
  CHECK(with("pix2pix", "monitor.on_inversion=warn") == "was accepted");
  says(with("pix2pix", "monitor.on_inversion=restart"), {"monitor.on_inversion", "pix2pix", "partner"});
  says(with("cut", "loss.cycle=10"), {"loss.cycle", "cut", "no second generator"});
  says(with("pix2pix", "generator.start_reverse=x"), {"generator.start_reverse", "no second generator"});
  says(with("mixture", "perceptual.weight=1"), {"perceptual.weight", "mixture", "no pictures"});
  // Without an adversary its keys wait where that is on purpose, and are a mistake where it is not.
  CHECK(with("cyclegan", "adversarial.on=false") == "was accepted");
  Recipe alone = Recipe::parse("[regulariser]\nr1 = 1\n", "alone.toml");
  says(refusal(ErrorKind::recipe, [&] { resolve_recipe(alone); }), {"regulariser.r1", "adversarial.on"});
  says(refusal(ErrorKind::recipe,
               [&] { resolve_recipe(Recipe::parse("[loss]\nfeature_matching = 1\n", "alone.toml")); }),
       {"feature_matching", "adversarial.on"});
  says(refusal(ErrorKind::recipe, [&] { resolve_recipe(Recipe::parse("[loss]\npixel_weight = 0\n", "alone.toml")); }),
       {"nothing is to be learnt from"});
}
