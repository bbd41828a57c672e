// Every property that a registered discriminator promises, over the registry, and spectral norm against an SVD.
#include "ganvas/nn/discriminator.hpp"

#include <torch/torch.h>

#include "ganvas/nn/registry.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::refusal;
using ganvas::test::says;
using torch::Tensor;

namespace {

struct Case {
  const DiscriminatorPlugin* plugin;
  nlohmann::json config;
  DiscriminatorPtr make() const {
    torch::manual_seed(1);
    return plugin->make(config, plugin->example_size);
  }
  Tensor pictures(const Discriminator& network, int count) const {
    torch::manual_seed(7);
    const std::int64_t channels = network.config().at("channels");
    return torch::rand({count, channels, plugin->example_size, plugin->example_size});
  }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& plugin : discriminator_plugins())
    for (const auto& config : plugin.examples) cases.push_back({&plugin, config});
  return cases;
}

/// Largest singular value of a weight seen as a matrix.
double largest_singular_value(const Tensor& weight) {
  return std::get<1>(torch::svd(weight.detach().flatten(1)))[0].item<double>();
}

}  // namespace

TEST_CASE("discriminators: logits with the batch first, gradients everywhere, the same network from its config") {
  for (const auto& example : all_cases()) {
    CAPTURE(example.plugin->name);
    CAPTURE(example.config.dump());
    const DiscriminatorPtr network = example.make();
    CHECK(network->architecture() == example.plugin->name);
    CHECK_FALSE(example.plugin->summary.empty());
    const DiscriminatorPtr again =
        make_discriminator(network->architecture(), network->config(), example.plugin->example_size);
    CHECK(again->config() == network->config());
    for (const auto& [key, value] : example.config.items()) CHECK(network->config().at(key) == value);

    network->train();
    const Tensor pictures = example.pictures(*network, 4).requires_grad_();
    const Tensor logits = network->forward(pictures);
    CHECK(logits.size(0) == 4);
    CHECK(logits.isfinite().all().item<bool>());
    logits.square().sum().backward();
    CHECK(pictures.grad().abs().sum().item<double>() > 0);
    for (const auto& item : network->named_parameters()) {
      CAPTURE(item.key());
      // What takes the smaller pictures of progressive growing isn't asked here.
      if (network->architecture() == "progressive" && item.key().starts_with("from_rgb.") &&
          !item.key().starts_with("from_rgb.0."))
        continue;
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
    }
  }
}

TEST_CASE("discriminators: twice differentiable, as gradient penalties need") {
  for (const auto& example : all_cases()) {
    CAPTURE(example.plugin->name);
    CAPTURE(example.config.dump());
    const DiscriminatorPtr network = example.make();
    const Tensor pictures = example.pictures(*network, 4).requires_grad_();
    const Tensor slope = torch::autograd::grad({network->forward(pictures).sum()}, {pictures}, {}, true, true)[0];
    slope.square().sum().backward();
    double total = 0;
    for (const auto& parameter : network->parameters())
      if (parameter.grad().defined()) {
        CHECK(parameter.grad().isfinite().all().item<bool>());
        total += parameter.grad().abs().sum().item<double>();
      }
    CHECK(total > 0);
  }
}

TEST_CASE("discriminators: spectral norm makes every such layer's largest singular value one") {
  int layers = 0;
  for (const auto& example : all_cases()) {
    const DiscriminatorPtr network = example.make();
    if (!network->config().value("spectral", false)) continue;
    CAPTURE(example.plugin->name);
    network->train();
    const Tensor pictures = example.pictures(*network, 2);
    for (int i = 0; i < 60; ++i) network->forward(pictures);  // each pass is one power iteration
    const StateDict weights = state_dict_of(*network);
    for (const auto& [key, weight] : weights) {
      if (!key.ends_with("weight_orig")) continue;
      const std::string stem = key.substr(0, key.size() - 5);
      const Tensor u = weights.at(stem + "_u").clone(), v = weights.at(stem + "_v").clone();
      CAPTURE(key);
      const double sigma = torch::dot(u, torch::mv(weight.flatten(1), v)).item<double>();
      CHECK(sigma == doctest::Approx(largest_singular_value(weight)).epsilon(0.02));
      ++layers;
    }
    // In evaluation nothing moves.
    network->eval();
    CHECK(torch::equal(network->forward(pictures), network->forward(pictures)));
    // A layer's gain doesn't depend on the size of its weights any more (the last bias aside, all is linear in them).
    const Tensor before = network->forward(pictures);
    {
      const torch::NoGradGuard no_grad;
      for (auto& item : network->named_parameters())
        if (item.key().ends_with("weight_orig")) item.value().mul_(3);
    }
    network->train();
    for (int i = 0; i < 5; ++i) network->forward(pictures);
    network->eval();
    CHECK(torch::allclose(network->forward(pictures), before, 1e-3, 1e-4));
  }
  CHECK(layers > 5);
}

TEST_CASE("discriminators: one whose batch can be seen tells equal pictures from different ones") {
  int seen = 0;
  for (const auto& example : all_cases()) {
    const DiscriminatorPtr network = example.make();
    if (network->config().value("minibatch_stddev", 0) < 2 || network->config().value("norm", "none") == "batch")
      continue;
    CAPTURE(example.plugin->name);
    network->eval();
    const Tensor different = example.pictures(*network, 2);
    const Tensor equal = different.narrow(0, 0, 1).repeat({2, 1, 1, 1});
    // The first picture is the same in both batches; only its neighbour differs.
    CHECK_FALSE(torch::allclose(network->forward(different)[0], network->forward(equal)[0], 1e-4, 1e-6));
    ++seen;
  }
  CHECK(seen >= 3);
}

TEST_CASE("discriminators: published sizes") {
  const auto parameters = [](const Discriminator& network) {
    std::int64_t count = 0;
    for (const auto& parameter : network.parameters()) count += parameter.numel();
    return count;
  };
  // pix2pix's 70 x 70 PatchGAN on six channels, and its 30 x 30 map of a 256 x 256 picture.
  const DiscriminatorPtr patch = make_discriminator("patch", {{"channels", 6}}, 256);
  CHECK(parameters(*patch) == 2'768'705);
  CHECK(patch->forward(torch::zeros({1, 6, 256, 256})).sizes().vec() == std::vector<std::int64_t>{1, 1, 30, 30});
  // Real-ESRGAN's U-Net and BasicSR's VGG of 128.
  CHECK(parameters(*make_discriminator("unet", nlohmann::json::object(), 256)) == 4'376'897);
  CHECK(parameters(*make_discriminator("vgg-style", nlohmann::json::object(), 128)) == 14'499'401);
}

TEST_CASE("discriminators: impossible wishes are refused in one line") {
  const auto message = [](const char* name, nlohmann::json config, int size) {
    return refusal(ErrorKind::recipe, [&] { make_discriminator(name, config, size); });
  };
  says(message("patches", nlohmann::json::object(), 64), {"patches", "patch", "unet"});
  says(message("patch", {{"widht", 4}}, 64), {"widht", "width"});
  says(message("patch", {{"norm", "layer"}}, 64), {"layer", "instance"});
  says(message("patch", nlohmann::json::object(), 16), {"16", "layers"});
  says(message("vgg-style", nlohmann::json::object(), 96), {"96", "data.crop"});
  says(message("unet", nlohmann::json::object(), 100), {"100", "multiple of 8"});
  says(message("unet", {{"spectral", 3}}, 64), {"spectral", "3"});
  says(message("mlp", {{"layers", 0}}, 4), {"layers"});
}
