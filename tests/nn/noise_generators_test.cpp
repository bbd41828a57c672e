// Networks that make pictures from noise, and their discriminators: the promises of the registry, and the outputs of
// the published code.
#include "ganvas/nn/noise_generator.hpp"

#include <torch/torch.h>

#include <array>

#include "ganvas/core/error.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "ganvas/nn/settle.hpp"
#include "nn/equalised.hpp"
#include "nn/styled_kernels.hpp"
#include "nn/sweep.hpp"
#include "support/support.hpp"

using namespace ganvas;
namespace fs = std::filesystem;
using torch::Tensor;

namespace {

struct NoiseCase {
  const NoiseGeneratorPlugin* plugin;
  nlohmann::json config;
};

std::vector<NoiseCase> all_noise_cases() {
  std::vector<NoiseCase> cases;
  for (const auto& plugin : noise_generator_plugins())
    for (const auto& config : plugin.examples) cases.push_back({&plugin, config});
  return cases;
}

Tensor classes_of(const NoiseGeneratorInfo& info, std::int64_t count) {
  if (info.classes == 0) return {};
  return torch::one_hot(torch::arange(count) % info.classes, info.classes).to(torch::kFloat);
}

/// A reference file's network, its inputs and outputs.
struct Reference {
  explicit Reference(const std::string& name) {
    const fs::path folder = test::shared_folder() / "weights/reference";
    weights = read_model_file(folder / (name + ".pth")).weights;
    pair = read_safetensors(folder / (name + ".io.safetensors")).tensors;
  }
  Tensor label() const { return pair.contains("label") ? pair.at("label") : Tensor(); }
  StateDict weights, pair;
};

}  // namespace

TEST_CASE("noise generators: pictures of the promised size, gradients everywhere, the same network from its config") {
  for (const auto& [plugin, config] : all_noise_cases()) {
    CAPTURE(plugin->name);
    CAPTURE(config.dump());
    torch::manual_seed(1);
    const NoiseGeneratorPtr network = plugin->make(config);
    CHECK(network->architecture() == plugin->name);
    const NoiseGeneratorPtr again = make_noise_generator(network->architecture(), network->config());
    CHECK(again->config() == network->config());
    const NoiseGeneratorInfo info = network->info();
    network->train();
    const Tensor noise = torch::randn({3, info.noise}).requires_grad_();
    const Tensor pictures = network->forward(noise, classes_of(info, 3), LayerNoise::random);
    CHECK(pictures.sizes() == torch::IntArrayRef({3, info.channels, info.height, info.width}));
    CHECK(pictures.isfinite().all().item<bool>());
    (pictures * torch::randn_like(pictures)).sum().backward();
    for (const auto& item : network->named_parameters()) {
      CAPTURE(item.key());
      if (plugin->name == "fastgan" && item.key().starts_with("to_128")) continue;  // the picture of 128 pixels
      if (plugin->name == "progressive" && item.key().starts_with("to_rgb") &&
          !item.key().starts_with(fmt::format("to_rgb.{}", info.height == 16 ? 2 : 1)))
        continue;  // lower levels' pictures
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
    }
  }
}

TEST_CASE("noise generators: found again from their own state dict, same pictures alone and in a batch") {
  for (const auto& [plugin, config] : all_noise_cases()) {
    if (config.contains("classes") && plugin->name == "dcgan") continue;  // its classes are no weights of their own
    CAPTURE(plugin->name);
    CAPTURE(config.dump());
    torch::manual_seed(1);
    const NoiseGeneratorPtr network = plugin->make(config);
    network->eval();
    const torch::NoGradGuard no_grad;
    const NoiseGeneratorPtr found = noise_generator_from(state_dict_of(*network), "the network itself");
    REQUIRE(found);
    CHECK(found->architecture() == plugin->name);
    const NoiseGeneratorInfo info = network->info();
    const Tensor noise = torch::randn({3, info.noise}), classes = classes_of(info, 3);
    const Tensor pictures = network->forward(noise, classes);
    CHECK(test::relative_error(found->forward(noise, classes), pictures) <= 1e-5);
    const Tensor alone =
        network->forward(noise.narrow(0, 1, 1), classes.defined() ? classes.narrow(0, 1, 1) : Tensor());
    CHECK(test::relative_error(alone, pictures.narrow(0, 1, 1)) <= 1e-5);
  }
}

TEST_CASE("noise generators: settled weights give the same pictures, in a batch and one at a time") {
  const auto check = [](NoiseGenerator& network) {
    network.eval();
    const torch::NoGradGuard no_grad;
    // Biases and strengths of noise begin at zero, where a mistake isn't seen.
    for (auto& item : network.named_parameters())
      if (item.value().dim() < 2) item.value().add_(torch::rand_like(item.value()) * 0.5);
    const NoiseGeneratorInfo info = network.info();
    const Tensor styles = network.map(torch::randn({3, info.noise}), classes_of(info, 3));
    const Tensor before = network.synthesise(styles, LayerNoise::constant);
    settle(network);
    CHECK(test::relative_error(network.synthesise(styles, LayerNoise::constant), before) <= 1e-6);
    for (int i = 0; i < 3; ++i)
      CHECK(test::relative_error(network.synthesise(styles.narrow(0, i, 1), LayerNoise::constant),
                                 before.narrow(0, i, 1)) <= 2e-5);
    // Planes of noise aren't settled.
    for (auto& plane : network.noise_planes()) plane.second.mul_(-1.5);
    const Tensor after = network.synthesise(styles, LayerNoise::constant);
    CHECK(test::relative_error(network.synthesise(styles.narrow(0, 1, 1), LayerNoise::constant),
                               after.narrow(0, 1, 1)) <= 2e-5);
  };
  torch::manual_seed(1);
  for (const auto& [plugin, config] : all_noise_cases()) {
    CAPTURE(plugin->name);
    CAPTURE(config.dump());
    check(*plugin->make(config));
  }
  // Both ways to bring in a style, at both kinds of layers.
  check(*make_noise_generator("stylegan2", {{"noise", 6}, {"mapping_layers", 1}, {"widths", {24, 12, 8, 4}}}));
  // Kernels far larger than their pictures.
  check(*make_noise_generator("stylegan2", {{"noise", 6}, {"mapping_layers", 1}, {"widths", {64, 64}}}));
}

TEST_CASE("noise generators: a picture enlarged and added in one pass is that of the steps one by one") {
  torch::manual_seed(6);
  const torch::NoGradGuard no_grad;
  for (const auto& [channels, height, width] : {std::array{3, 4, 4}, {1, 2, 5}, {4, 1, 1}}) {
    const Tensor smaller = torch::randn({2, channels, height, width});
    const Tensor x = torch::randn({2, channels, 2 * height, 2 * width});
    const Tensor wanted = x + enlarge_filtered(smaller);
    CHECK(test::relative_error(plus_enlarged(x.clone(), smaller), wanted) <= 1e-6);
  }
}

TEST_CASE("noise generators: truncation ends at the mean and keeps layers behind the cut-off") {
  torch::manual_seed(3);
  const Tensor styles = torch::randn({2, 5, 4}), mean = torch::randn({4});
  CHECK(torch::allclose(truncated(styles, mean, 1.0), styles));
  CHECK(torch::allclose(truncated(styles, mean, 0.0), mean.view({1, 1, 4}).expand({2, 5, 4})));
  const Tensor half = truncated(styles, mean, 0.5, 2);
  CHECK(torch::allclose(half.narrow(1, 0, 2), (styles.narrow(1, 0, 2) + mean) / 2));
  CHECK(torch::equal(half.narrow(1, 2, 3), styles.narrow(1, 2, 3)));
}

TEST_CASE("noise generators: twice differentiable, as the path length needs") {
  const NoiseGeneratorPtr network =
      make_noise_generator("stylegan2", {{"noise", 6}, {"mapping_layers", 1}, {"widths", {6, 4}}});
  const Tensor styles = network->map(torch::randn({2, 6}), {}).detach().requires_grad_();
  const Tensor pictures = network->synthesise(styles, LayerNoise::random);
  const Tensor slope =
      torch::autograd::grad({(pictures * torch::randn_like(pictures)).sum()}, {styles}, {}, true, true)[0];
  slope.square().sum().backward();
  double total = 0;
  for (const auto& parameter : network->parameters())
    if (parameter.grad().defined()) total += parameter.grad().abs().sum().item<double>();
  CHECK(std::isfinite(total));
  CHECK(total > 0);
}

TEST_CASE("noise generators: references give the outputs of the published code") {
  SKIP_WITHOUT(test::shared_folder() / "weights/reference/dcgan-64.pth");
  const torch::NoGradGuard no_grad;
  for (const auto& [name, architecture] : {std::pair{"dcgan-64", "dcgan"},
                                           {"stylegan2-rosinality-32", "stylegan2"},
                                           {"stylegan2-rosinality-64-full-checkpoint", "stylegan2"},
                                           {"stylegan2-basicsr-32", "stylegan2"},
                                           {"stylegan2-ada-32-cond", "stylegan2"},
                                           {"r3gan-32", "r3gan"},
                                           {"r3gan-32-cond", "r3gan"},
                                           {"fastgan-256", "fastgan"}}) {
    CAPTURE(std::string(name));
    const Reference reference(name);
    const StateDict& pair = reference.pair;
    const NoiseGeneratorPtr network = noise_generator_from(reference.weights, name);
    REQUIRE(network);
    CHECK(network->architecture() == architecture);
    const Tensor noise = pair.at("input").flatten(1);
    const Tensor styles = network->map(noise, reference.label());
    CHECK(test::relative_error(network->synthesise(styles, LayerNoise::constant), pair.at("output")) <= 1e-4);
    if (pair.contains("w")) CHECK(test::relative_error(styles.select(1, 0), pair.at("w")) <= 1e-4);
    if (pair.contains("output_no_noise"))
      CHECK(test::relative_error(network->synthesise(styles, LayerNoise::none), pair.at("output_no_noise")) <= 1e-4);
    if (pair.contains("output_truncation_0.7")) {
      const Tensor mean = pair.contains("mean_latent") ? pair.at("mean_latent") : network->mean_style();
      CHECK(test::relative_error(network->synthesise(truncated(styles, mean.flatten(), 0.7), LayerNoise::constant),
                                 pair.at("output_truncation_0.7")) <= 1e-4);
    }
    if (pair.contains("output_mixed_at_3")) {
      const Tensor other = network->map(pair.at("input2"), {});
      const Tensor mixed = torch::cat({styles.narrow(1, 0, 3), other.narrow(1, 3, other.size(1) - 3)}, 1);
      CHECK(test::relative_error(network->synthesise(mixed, LayerNoise::constant), pair.at("output_mixed_at_3")) <=
            1e-4);
    }
  }
}

TEST_CASE("noise generators: every level of progressive growing as in the published code") {
  SKIP_WITHOUT(test::shared_folder() / "weights/reference/progressive-rosinality-128.pth");
  const torch::NoGradGuard no_grad;
  const Reference reference("progressive-rosinality-128");
  const NoiseGeneratorPtr network = noise_generator_from(reference.weights, "progressive");
  REQUIRE(network);
  const NoiseGeneratorInfo info = network->info();
  const Tensor classes = torch::one_hot(reference.label().to(torch::kLong), info.classes).to(torch::kFloat);
  const Tensor styles = network->map(reference.pair.at("input"), classes);
  for (const int level : {0, 1, 3}) {
    CAPTURE(level);
    const std::string key = fmt::format("output_step{}", level);
    CHECK(test::relative_error(network->at_level(styles, level, 1.0), reference.pair.at(key)) <= 1e-4);
    if (level > 0)
      CHECK(test::relative_error(network->at_level(styles, level, 0.3), reference.pair.at(key + "_alpha0.3")) <= 1e-4);
  }
}

TEST_CASE("noise generators: their discriminators as in the published code") {
  SKIP_WITHOUT(test::shared_folder() / "weights/reference/dcgan-64-discriminator.pth");
  const torch::NoGradGuard no_grad;
  for (const char* name :
       {"stylegan2-rosinality-32-discriminator", "stylegan2-rosinality-64-full-checkpoint-discriminator",
        "stylegan2-basicsr-32-discriminator", "stylegan2-ada-32-cond-discriminator", "r3gan-32-discriminator",
        "r3gan-32-cond-discriminator", "dcgan-64-discriminator"}) {
    CAPTURE(std::string(name));
    const Reference reference(name);
    const DiscriminatorPtr network = discriminator_from(reference.weights, name);
    REQUIRE(network);
    const Tensor pictures = reference.pair.at("input"), label = reference.label();
    const Tensor logits = label.defined() ? network->given(pictures, label) : network->forward(pictures);
    const bool sigmoid = network->architecture() == "dcgan";  // of the published network, not of ours
    const Tensor expected = reference.pair.at("output");
    CHECK(test::relative_error((sigmoid ? torch::sigmoid(logits) : logits).view_as(expected), expected) <= 1e-4);
  }
  const Reference reference("progressive-rosinality-128-discriminator");
  const DiscriminatorPtr network = discriminator_from(reference.weights, "progressive");
  REQUIRE(network);
  for (const int level : {0, 1, 3}) {
    CAPTURE(level);
    const Tensor pictures = reference.pair.at(fmt::format("input_step{}", level));
    const std::string key = fmt::format("output_step{}", level);
    CHECK(test::relative_error(network->at_level(pictures, level, 1.0), reference.pair.at(key)) <= 1e-4);
    if (level > 0)
      CHECK(test::relative_error(network->at_level(pictures, level, 0.3), reference.pair.at(key + "_alpha0.3")) <=
            1e-4);
  }
}
