// Convolutions in int8: what calibration chooses, and the compiled plan against its simulation in fp32.
#include "engine/int8/int8.hpp"

#include <doctest/doctest.h>
#include <torch/torch.h>

#include <cmath>

#include "engine/graph/trace.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/engine/engine.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"
#include "support/relative_error.hpp"

using namespace ganvas;
using ganvas::test::relative_error;
using torch::Tensor;

namespace {

/// Networks wide enough for int8: plain chains, residuals, dense concatenations, norms, PReLU.
std::vector<std::pair<GeneratorPtr, std::string>> wide_networks() {
  const std::vector<std::pair<std::string, nlohmann::json>> wanted{
      {"compact", {{"channels", 24}, {"convs", 4}, {"scale", 2}, {"slope", 0.1}}},
      {"compact", {{"channels", 16}, {"convs", 3}, {"scale", 4}}},
      {"srresnet", {{"channels", 16}, {"blocks", 2}, {"scale", 2}}},
      {"rrdbnet", {{"channels", 16}, {"blocks", 1}, {"growth", 16}, {"scale", 4}}},
      {"resnet", {{"width", 16}, {"blocks", 1}, {"norm", "instance"}}}};
  std::vector<std::pair<GeneratorPtr, std::string>> networks;
  for (const auto& [name, config] : wanted) {
    torch::manual_seed(3);
    const GeneratorPtr network = make_generator(name, config);
    for (auto& parameter : network->parameters()) {
      parameter.set_requires_grad(false);
      if (parameter.dim() == 4) parameter.normal_(0, std::sqrt(1.6 / static_cast<double>(parameter[0].numel())));
    }
    network->eval();
    network->weights_changed();
    networks.emplace_back(network, name + " " + config.dump());
  }
  return networks;
}

Tensor pictures_for(const Generator& network, std::int64_t count, std::int64_t height, std::int64_t width) {
  torch::manual_seed(height);
  // Smooth, with some noise.
  const Tensor small = torch::rand({count, network.info().in_channels, height / 4, width / 4});
  const Tensor smooth = torch::upsample_bilinear2d(small, {height, width}, false);
  return to_range((smooth + 0.03 * torch::randn(smooth.sizes())).clamp(0, 1), network.info());
}

double psnr_between(const Tensor& a, const Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>() / b.square().mean().item<double>());
}

}  // namespace

TEST_CASE("int8 weights: whole numbers within the limit, at most half a step off, channels of zeros stay") {
  torch::manual_seed(1);
  Tensor weight = torch::randn({6, 5, 3, 3}) * torch::tensor({1e-3, 0.1, 1.0, 3.0, 40.0, 0.0}).view({6, 1, 1, 1});
  for (const double largest : {127.0, 63.0}) {
    const engine::Int8Weights small = engine::int8_weights(weight, largest);
    CHECK(small.values.equal(small.values.round()));
    CHECK(small.values.abs().max().item<double>() == largest);
    const Tensor steps = small.steps.view({6, 1, 1, 1});
    CHECK(((small.values * steps - weight).abs() <= steps * 0.50001).all().item<bool>());
    CHECK(small.values[5].abs().max().item<double>() == 0);
  }
}

TEST_CASE("int8: the compiled plan gives what its simulation gives, on odd sizes, and both are near fp32") {
  const torch::NoGradGuard no_grad;
  use_cpu_threads(1);
  for (const auto& [network, name] : wide_networks()) {
    CAPTURE(name);
    const Int8Calibration calibration = calibrate_int8(*network, pictures_for(*network, 4, 32, 32));
    CHECK(calibration.layers >= 1);
    CHECK(psnr_between(calibration.exact, network->forward(pictures_for(*network, 4, 32, 32))) > 90);
    CHECK(psnr_between(calibration.int8, calibration.exact) > 25);
    std::string why;
    const auto compiled = Engine::compile(*network, {.bf16 = false, .int8_record = calibration.record}, why);
    if (why == "built without oneDNN") {
      MESSAGE("[skipped] built without oneDNN");
      return;
    }
    REQUIRE_MESSAGE(compiled, why);
    CHECK(compiled->int8());
    engine::Graph graph = engine::fold(engine::trace(*network));
    engine::apply_int8_record(graph, calibration.record);
    // Sizes that need no padding, since the simulation has none.
    const std::int64_t multiple = network->info().multiple;
    const Tensor pictures = pictures_for(*network, 6, 12 * multiple, 20 * multiple);
    // A value on the verge of a step may fall to either side, and through a deep network that one step spreads: not on
    // every picture, as a defect would.
    double best = 0;
    for (const Tensor& picture : pictures.split(1)) {
      const Tensor result = compiled->run(picture);
      best = std::max(best, psnr_between(result, engine::simulated(graph, picture, engine::largest_int8_weight())));
      CHECK(psnr_between(result, network->forward(picture)) > 22);
    }
    CHECK(best > 45);
    const Tensor odd = pictures_for(*network, 1, 21, 35);
    CHECK(compiled->run(odd).sizes() == network->forward(odd).sizes());
    CHECK(psnr_between(compiled->run(odd), network->forward(odd)) > 22);
  }
}

TEST_CASE("int8: the corrections keep every channel's mean through the whole network") {
  const torch::NoGradGuard no_grad;
  const GeneratorPtr network = wide_networks()[0].first;
  const Tensor pictures = pictures_for(*network, 8, 32, 32);
  engine::Graph graph = engine::fold(engine::trace(*network));
  engine::calibrate(graph, pictures);
  const auto bias = [&](const engine::Graph& g) {
    return (engine::simulated(g, pictures, 127) - engine::simulated(g, pictures, 0))
        .mean({0, 2, 3})
        .abs()
        .max()
        .item<double>();
  };
  const double corrected = bias(graph);
  for (auto& node : graph)
    if (auto* conv = engine::as<engine::Convolution>(node); conv && conv->correction.defined())
      conv->correction.zero_();
  CHECK(corrected < 0.5 * bias(graph));
}

TEST_CASE("int8: records of another network and damaged ones are refused, as are networks without a candidate") {
  const auto networks = wide_networks();
  const Tensor pictures = pictures_for(*networks[0].first, 4, 32, 32);
  const std::string record = calibrate_int8(*networks[0].first, pictures).record;
  std::string why;
  CHECK(!Engine::compile(*networks[1].first, {.bf16 = false, .int8_record = record}, why));
  CHECK((why.find("int8 record") != std::string::npos || why == "built without oneDNN"));
  engine::Graph graph = engine::fold(engine::trace(*networks[0].first));
  for (const std::string& broken : {std::string("{}"), std::string("nonsense"), record.substr(0, record.size() / 2),
                                    std::string(R"({"layers":[{"step":-1,"zero":0,"correction":[]}]})")})
    CHECK_THROWS_AS(engine::apply_int8_record(graph, broken), Error);
  const GeneratorPtr narrow = make_generator("compact", {{"channels", 8}, {"convs", 3}, {"scale", 2}});
  CHECK_THROWS_AS(calibrate_int8(*narrow, pictures), Error);
}
