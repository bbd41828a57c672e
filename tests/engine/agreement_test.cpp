// Two engines that must agree: every architecture of the registry through LibTorch and through the compiled plan.
#include <doctest/doctest.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>

#include "engine/random_networks.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/engine/engine.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"
#include "support/relative_error.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::relative_error;
using torch::Tensor;

namespace {

std::unique_ptr<Engine> compiled(Generator& network, bool bf16) {
  use_cpu_threads(1);
  std::string why;
  auto engine = Engine::compile(network, {.bf16 = bf16, .int8_record = {}}, why);
  if (why == "built without oneDNN") MESSAGE("[skipped] built without oneDNN");
  else if (!engine && !test::left_to_libtorch(network, why)) FAIL(why);
  return engine;
}

Tensor picture_for(const Generator& network, std::int64_t height, std::int64_t width) {
  torch::manual_seed(height * 1000 + width);
  return to_range(torch::rand({1, network.info().in_channels, height, width}), network.info());
}

double psnr(const Tensor& actual, const Tensor& expected, double range) {
  return -10 * std::log10((actual - expected).div(range).pow(2).mean().item<double>());
}

/// What LibTorch gives with weights and features in bf16.
Tensor in_bf16(const Generator& network, const Tensor& picture) {
  const GeneratorPtr half = replicate(network);
  half->to(torch::kBFloat16);
  half->eval();
  return half->forward(picture.to(torch::kBFloat16)).to(torch::kFloat);
}

/// A network of operators that no shipped architecture has.
class Mixed final : public Generator {
 public:
  Mixed() {
    torch::manual_seed(2);
    wide_ = register_module("wide", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 5, 3).bias(false)));
    down_ = register_module("down", torch::nn::Conv2d(torch::nn::Conv2dOptions(8, 12, 3).stride(2).padding(1)));
    grouped_ = register_module("grouped",
                               torch::nn::Conv2d(torch::nn::Conv2dOptions(12, 12, 3).padding(2).dilation(2).groups(3)));
    up_ = register_module(
        "up",
        torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(12, 7, 3).stride(2).padding(1).output_padding(1)));
    norm_ = register_module("norm", torch::nn::InstanceNorm2d(torch::nn::InstanceNorm2dOptions(7).affine(true)));
    narrow_ = register_module("narrow", torch::nn::Conv2d(torch::nn::Conv2dOptions(7, 3, {3, 2})));
    last_ = register_module("last", torch::nn::Conv2d(torch::nn::Conv2dOptions(12, 3, 1)));
    slopes_ = register_parameter("slopes", torch::rand({12}));
    norm_->weight.data().uniform_(0.5, 2);
    norm_->bias.data().uniform_(-1, 1);
    eval();
  }
  Tensor forward(const Tensor& input) override {
    Tensor x = torch::reflection_pad2d(input, {1, 1, 1, 1});
    x = torch::silu(wide_->forward(x));
    x = torch::cat({x, input}, 1);
    x = torch::prelu(down_->forward(x), slopes_);
    x = x + 0.5 * torch::tanh(grouped_->forward(x));
    x = torch::relu(norm_->forward(up_->forward(x)));
    x = x * torch::sigmoid(x.mean({2, 3}, true)) - 0.25;
    x = narrow_->forward(torch::replication_pad2d(x, {0, 1, 2, 0}));
    x = torch::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, true);
    x = last_->forward(torch::pixel_unshuffle(torch::constant_pad_nd(x, {0, 0, 0, 0}), 2));
    return x.narrow(2, 0, input.size(2)).narrow(3, 0, input.size(3));
  }
  GeneratorInfo info() const override { return {}; }
  std::string architecture() const override { return "mixed"; }
  nlohmann::json config() const override { return nlohmann::json::object(); }

 private:
  torch::nn::Conv2d wide_{nullptr}, down_{nullptr}, grouped_{nullptr}, narrow_{nullptr}, last_{nullptr};
  torch::nn::ConvTranspose2d up_{nullptr};
  torch::nn::InstanceNorm2d norm_{nullptr};
  Tensor slopes_;
};

/// One colour has no variance: such a network shows nothing of it but rounding, which the norm's epsilon lets grow by
/// hundreds of times.
bool has_instance_norm(const Generator& network) {
  const nlohmann::json config = network.config();
  return network.architecture() == "transformer-net" || (config.contains("norm") && config.at("norm") == "instance");
}

class Unknown final : public Generator {
 public:
  Tensor forward(const Tensor& input) override { return torch::cos(input); }
  GeneratorInfo info() const override { return {}; }
  std::string architecture() const override { return "unknown"; }
  nlohmann::json config() const override { return nlohmann::json::object(); }
};

}  // namespace

TEST_CASE("engines: networks of values 0..255, as EDSR's and RCAN's authors have them, are compiled") {
  const nlohmann::json base{{"channels", 8}, {"blocks", 1}, {"scale", 2}, {"value_range", 255.0}};
  nlohmann::json rcan = base;
  rcan.update({{"groups", 1}, {"reduction", 4}});
  for (const auto& [name, config] : {std::pair{"edsr", base}, std::pair{"rcan", rcan}}) {
    CAPTURE(name);
    torch::manual_seed(6);
    const GeneratorPtr network = make_generator(name, config);
    network->eval();
    const auto engine = compiled(*network, /*bf16=*/false);
    if (!engine) return;
    const torch::NoGradGuard no_grad;
    const Tensor picture = picture_for(*network, 20, 33);
    CHECK(relative_error(engine->run(picture), network->forward(picture)) <= 1e-5);
  }
}

TEST_CASE(
    "engines: a trained SPAN, whose features change sign in bf16, is compiled, and nearer to fp32 than LibTorch") {
  const auto file = test::shared_folder() / "weights/community/span-ch28-x4-fused.pth";
  if (!std::filesystem::exists(file)) {
    MESSAGE("[skipped] no " << file);
    return;
  }
  const GeneratorPtr network = load_generator(file).network;
  network->eval();
  const auto engine = compiled(*network, /*bf16=*/true);
  if (!engine) return;
  const torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  const Tensor smooth = torch::upsample_bicubic2d(torch::rand({1, 3, 8, 8}), {48, 64}, false).clamp(0, 1);
  const Tensor expected = network->forward(smooth);
  CHECK(psnr(engine->run(smooth), expected, 1) >= psnr(in_bf16(*network, smooth), expected, 1) - 1);
  CHECK(psnr(engine->run(smooth), expected, 1) >= 40);
}

TEST_CASE("every architecture: the plan gives what LibTorch gives, on odd sizes") {
  const torch::NoGradGuard no_grad;
  int compared = 0;
  for (const auto& [network, name] : test::random_networks()) {
    CAPTURE(name);
    for (const bool bf16 : {false, true}) {
      if (bf16 && !engine_has_bf16()) continue;
      const auto engine = compiled(*network, bf16);
      if (!engine) continue;
      CHECK(engine->bf16() == bf16);
      for (const auto& [height, width] : {std::pair{3, 8}, {1, 1}, {37, 29}, {3, 8}}) {
        CAPTURE(height);
        if (height * width == 1 && has_instance_norm(*network)) continue;
        const Tensor picture = picture_for(*network, height, width), expected = network->forward(picture);
        const Tensor actual = engine->run(picture);
        if (bf16) {
          // Norms over few pixels amplify what any rounding to bf16 takes away: LibTorch's own bf16 shows how much.
          const double range = expected.abs().max().item<double>(), reached = psnr(actual, expected, range);
          if (reached < 45) CHECK(reached >= psnr(in_bf16(*network, picture), expected, range) - 1);
        } else CHECK(relative_error(actual, expected) <= 1e-4);
        ++compared;
      }
    }
  }
  CHECK((compared > 50 || compared == 0));  // none in a build without oneDNN
}

TEST_CASE("operators of networks to come: paddings, strides, groups, transposed convolutions, norms, resizes") {
  const torch::NoGradGuard no_grad;
  Mixed network;
  for (const bool bf16 : {false, true}) {
    if (bf16 && !engine_has_bf16()) continue;
    const auto engine = compiled(network, bf16);
    if (!engine) return;
    for (const auto& [height, width] : {std::pair{20, 24}, {17, 31}}) {
      const Tensor picture = picture_for(network, height, width), expected = network.forward(picture);
      if (bf16) CHECK(psnr(engine->run(picture), expected, expected.abs().max().item<double>()) >= 40);
      else CHECK(relative_error(engine->run(picture), expected) <= 1e-4);
    }
  }
}

TEST_CASE("kernels of 17 pixels at any width: oneDNN's fast code takes some of them in one layout alone") {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  const GeneratorPtr network = make_generator(
      "plksr", {{"channels", 24}, {"blocks", 1}, {"partial_channels", 20}, {"kernel", 17}, {"scale", 2}});
  network->eval();
  const auto engine = compiled(*network, false);
  if (!engine) return;
  for (const int width : {19, 28, 29, 40, 57, 112, 115}) {
    CAPTURE(width);
    const Tensor picture = picture_for(*network, 13, width);
    CHECK(relative_error(engine->run(picture), network->forward(picture)) <= 1e-4);
  }
}

TEST_CASE("the shipped models in bf16: at least 50 dB to LibTorch in fp32") {
  const torch::NoGradGuard no_grad;
  if (!engine_has_bf16()) {
    MESSAGE("[skipped] this CPU has no bf16");
    return;
  }
  for (const char* name : {"photo-x4", "photo-x2"}) {
    const std::string path = std::string(GANVAS_SOURCE_DIR "/models/") + name + "/model.safetensors";
    const LoadedGenerator model = load_generator(path);
    const auto engine = compiled(*model.network, true);
    if (!engine) return;
    const Tensor picture = picture_for(*model.network, 61, 47);
    CHECK(psnr(engine->run(picture), model.network->forward(picture), 1.0) >= 50);
  }
}

TEST_CASE("an operator that isn't known is named") {
  Unknown network;
  std::string why;
  CHECK(!Engine::compile(network, {}, why));
  CHECK((why.find("aten::cos") != std::string::npos || why == "built without oneDNN"));
}

TEST_CASE("compiling leaves the network and LibTorch's random state as they were") {
  torch::manual_seed(11);
  const Tensor first = torch::rand({4});
  const GeneratorPtr network = make_generator("compact", {{"channels", 8}, {"convs", 2}});
  torch::manual_seed(11);
  std::string why;
  Engine::compile(*network, {}, why);
  CHECK(torch::rand({4}).equal(first));
  for (const auto& parameter : network->parameters()) CHECK(parameter.requires_grad());
}
