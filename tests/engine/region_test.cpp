// A network over a picture in parts must give what it gives over the whole, whatever the tiles and the memory.
#include <doctest/doctest.h>
#include <torch/torch.h>

#include <cmath>
#include <new>

#include "engine/random_networks.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/engine/region_runner.hpp"
#include "ganvas/nn/padding.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"
#include "support/relative_error.hpp"

using namespace ganvas;
using torch::Tensor;
namespace nn = torch::nn;

namespace {

constexpr std::uint64_t everything = std::uint64_t{1} << 40;

/// A network of layers, padded to a multiple and cut as the shipped ones do it.
class Layers : public Generator {
 public:
  explicit Layers(GeneratorInfo info) : info_(info) {}
  Tensor forward(const Tensor& input) override {
    const Tensor result = body(pad_to_multiple(input, info_.multiple));
    return result.slice(2, 0, input.size(2) * info_.scale).slice(3, 0, input.size(3) * info_.scale);
  }
  GeneratorInfo info() const override { return info_; }
  std::string architecture() const override { return "layers"; }
  nlohmann::json config() const override { return nlohmann::json::object(); }

 protected:
  virtual Tensor body(const Tensor& x) = 0;
  template <typename Layer>
  Layer layer(Layer made) {
    return register_module("layer" + std::to_string(count_++), made);
  }
  nn::Conv2d conv(int in, int out, int kernel, int stride = 1, int padding = 0) {
    return layer(nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding)));
  }
  nn::ConvTranspose2d transposed(int in, int out, int kernel, int stride, int padding, int extra) {
    return layer(nn::ConvTranspose2d(
        nn::ConvTranspose2dOptions(in, out, kernel).stride(stride).padding(padding).output_padding(extra)));
  }
  nn::InstanceNorm2d norm(int channels) {
    auto made = layer(nn::InstanceNorm2d(nn::InstanceNorm2dOptions(channels).affine(true)));
    made->weight.data().uniform_(0.5, 1.5);
    made->bias.data().uniform_(-0.5, 0.5);
    return made;
  }

 private:
  GeneratorInfo info_;
  int count_ = 0;
};

/// Strides, paddings of all kinds, dilation, groups, both usual transposed convolutions and one that leaves gaps.
class Convolutions final : public Layers {
 public:
  Convolutions() : Layers({.multiple = 4}) {}
  Tensor body(const Tensor& x) override {
    Tensor y = torch::leaky_relu(first_->forward(torch::reflection_pad2d(x, {3, 3, 3, 3})), 0.2);
    y = torch::relu(down_->forward(y));
    const Tensor skip = torch::tanh(grouped_->forward(torch::replication_pad2d(y, {2, 0, 0, 2})));
    y = torch::silu(odd_->forward(torch::constant_pad_nd(down4_->forward(y), {1, 0, 2, 0})));
    y = up3_->forward(y) + 0.5 * skip;
    y = torch::cat({up4_->forward(y), x}, 1);
    y = gaps_->forward(gather_->forward(y));
    return last_->forward(y);
  }

 private:
  nn::Conv2d first_ = conv(3, 6, 7), down_ = conv(6, 8, 3, 2, 1), down4_ = conv(8, 10, 4, 2, 1);
  nn::Conv2d grouped_ = layer(nn::Conv2d(nn::Conv2dOptions(8, 8, 4).dilation(2).padding({2, 2}).groups(4)));
  nn::Conv2d odd_ = layer(nn::Conv2d(nn::Conv2dOptions(10, 10, {3, 2})));
  nn::ConvTranspose2d up3_ = transposed(10, 8, 3, 2, 1, 1), up4_ = transposed(8, 5, 4, 2, 1, 0);
  nn::Conv2d gather_ = layer(nn::Conv2d(nn::Conv2dOptions(8, 6, 4).stride(4)));
  nn::ConvTranspose2d gaps_ = transposed(6, 4, 2, 4, 0, 2);
  nn::Conv2d last_ = conv(4, 3, 1);
};

/// The translator of CycleGAN in small, with norms of learned scale and shift.
class Residual final : public Layers {
 public:
  Residual() : Layers({.multiple = 4, .global = true}) {}
  Tensor body(const Tensor& x) override {
    Tensor y = torch::relu(norm1_->forward(first_->forward(torch::reflection_pad2d(x, {3, 3, 3, 3}))));
    y = torch::relu(norm2_->forward(down1_->forward(y)));
    y = torch::relu(norm3_->forward(down2_->forward(y)));
    y = y + norm5_->forward(conv2_->forward(padded(torch::relu(norm4_->forward(conv1_->forward(padded(y)))))));
    y = y + norm7_->forward(conv4_->forward(padded(torch::relu(norm6_->forward(conv3_->forward(padded(y)))))));
    y = torch::relu(norm8_->forward(up1_->forward(y)));
    y = torch::relu(norm9_->forward(up2_->forward(y)));
    return torch::tanh(last_->forward(torch::reflection_pad2d(y, {3, 3, 3, 3})));
  }

 private:
  static Tensor padded(const Tensor& x) { return torch::reflection_pad2d(x, {1, 1, 1, 1}); }
  nn::Conv2d first_ = conv(3, 6, 7), down1_ = conv(6, 12, 3, 2, 1), down2_ = conv(12, 16, 3, 2, 1);
  nn::Conv2d conv1_ = conv(16, 16, 3), conv2_ = conv(16, 16, 3), conv3_ = conv(16, 16, 3), conv4_ = conv(16, 16, 3);
  nn::ConvTranspose2d up1_ = transposed(16, 12, 3, 2, 1, 1), up2_ = transposed(12, 6, 3, 2, 1, 1);
  nn::Conv2d last_ = conv(6, 3, 7);
  nn::InstanceNorm2d norm1_ = norm(6), norm2_ = norm(12), norm3_ = norm(16), norm4_ = norm(16), norm5_ = norm(16),
                     norm6_ = norm(16), norm7_ = norm(16), norm8_ = norm(12), norm9_ = norm(6);
};

/// Three levels of skips, and a batch norm.
class Skips final : public Layers {
 public:
  Skips() : Layers({.multiple = 8, .global = true}) {
    batch_->running_mean.uniform_(-0.5, 0.5);
    batch_->running_var.uniform_(0.5, 2);
  }
  Tensor body(const Tensor& x) override {
    const Tensor a = down1_->forward(x);
    const Tensor b = norm1_->forward(down2_->forward(torch::leaky_relu(a, 0.2)));
    const Tensor c = down3_->forward(torch::leaky_relu(b, 0.2));
    const Tensor d = torch::cat({b, norm2_->forward(up1_->forward(torch::relu(c)))}, 1);
    const Tensor e = torch::cat({a, batch_->forward(up2_->forward(torch::relu(d)))}, 1);
    return torch::tanh(up3_->forward(torch::relu(e)));
  }

 private:
  nn::Conv2d down1_ = conv(3, 6, 4, 2, 1), down2_ = conv(6, 10, 4, 2, 1), down3_ = conv(10, 14, 4, 2, 1);
  nn::ConvTranspose2d up1_ = transposed(14, 10, 4, 2, 1, 0), up2_ = transposed(20, 6, 4, 2, 1, 0),
                      up3_ = transposed(12, 3, 4, 2, 1, 0);
  nn::InstanceNorm2d norm1_ = norm(10), norm2_ = norm(10);
  nn::BatchNorm2d batch_ = layer(nn::BatchNorm2d(6));
};

/// Enlargement in four ways, over attention by the channels' means.
class Enlarging final : public Layers {
 public:
  Enlarging() : Layers({.scale = 2, .multiple = 2, .global = true}) {
    slopes_ = register_parameter("slopes", torch::rand({8}));
  }
  Tensor body(const Tensor& x) override {
    Tensor y = torch::prelu(first_->forward(torch::pixel_unshuffle(x, 2)), slopes_);
    y = y * torch::sigmoid(squeeze_->forward(y.mean({2, 3}, true))) - 0.25;
    y = torch::pixel_shuffle(second_->forward(torch::upsample_nearest2d(y, {2 * y.size(2), 2 * y.size(3)})), 2);
    const std::vector<std::int64_t> large{2 * x.size(2), 2 * x.size(3)};
    y = y * torch::sigmoid(third_->forward(y)) + torch::upsample_nearest2d(x, large);
    const Tensor mixed = torch::upsample_bilinear2d(x, large, false) - 0.5 * torch::upsample_bilinear2d(x, large, true);
    return y + mixed;
  }

 private:
  nn::Conv2d first_ = conv(12, 8, 3, 1, 1), squeeze_ = conv(8, 8, 1), second_ = conv(8, 12, 3, 1, 1),
             third_ = conv(3, 3, 3, 1, 1);
  Tensor slopes_;
};

/// Begins with what could be computed in place.
class Doubling final : public Layers {
 public:
  Doubling() : Layers({}) {}
  Tensor body(const Tensor& x) override { return last_->forward(torch::relu(2 * x)); }

 private:
  nn::Conv2d last_ = conv(3, 3, 1);
};

class Cosine final : public Layers {
 public:
  Cosine() : Layers({}) {}
  Tensor body(const Tensor& x) override { return torch::cos(x); }
};

template <typename Network>
std::shared_ptr<Generator> seeded(int seed = 5) {
  torch::manual_seed(seed);
  auto network = std::make_shared<Network>();
  network->eval();
  return network;
}

std::vector<std::pair<std::string, std::shared_ptr<Generator>>> networks() {
  return {{"convolutions", seeded<Convolutions>()},
          {"residual", seeded<Residual>()},
          {"skips", seeded<Skips>()},
          {"enlarging", seeded<Enlarging>()}};
}

std::unique_ptr<RegionRunner> compiled(Generator& network) {
  use_cpu_threads(1);
  std::string why;
  auto runner = RegionRunner::compile(network, why);
  if (!runner) FAIL(why);
  return runner;
}

Tensor random_picture(int height, int width, int channels = 3) {
  torch::manual_seed(height * 1000 + width);
  return torch::rand({1, channels, height, width}) * 2 - 1;
}

struct InParts {
  Tensor values;
  RegionStatistics statistics;
};

InParts in_parts(RegionRunner& runner, const Tensor& picture, const GeneratorInfo& info, const RegionOptions& options) {
  const auto height = picture.size(2), width = picture.size(3);
  InParts result{torch::zeros({1, info.out_channels, height * info.scale, width * info.scale}), {}};
  const Tensor visits = torch::zeros_like(result.values);
  const auto source = [&](const PictureRegion& r) {
    // narrow() throws for what lies outside.
    return picture.narrow(2, r.y, r.height).narrow(3, r.x, r.width);
  };
  const auto sink = [&](const PictureRegion& r, const Tensor& values) {
    result.values.narrow(2, r.y, r.height).narrow(3, r.x, r.width).copy_(values);
    visits.narrow(2, r.y, r.height).narrow(3, r.x, r.width).add_(1);
  };
  result.statistics = runner.run(static_cast<int>(height), static_cast<int>(width), source, sink, options);
  CHECK(visits.eq(1).all().item<bool>());
  return result;
}

}  // namespace

TEST_CASE("regions: parts make the whole for odd sizes, whatever the tiles") {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, network] : networks()) {
    CAPTURE(name);
    const auto runner = compiled(*network);
    const Tensor picture = random_picture(533, 401), expected = network->forward(picture);
    for (const int tile : {64, 150, 256, 4096}) {
      CAPTURE(tile);
      const InParts result = in_parts(*runner, picture, network->info(), {.tile = tile, .kept = KeptPrecision::fp32});
      CHECK(test::relative_error(result.values, expected) <= 1e-5);
    }
    CHECK(test::relative_error(in_parts(*runner, picture, network->info(), {}).values, expected) <= 1e-5);
  }
}

TEST_CASE("regions: nothing kept, everything kept and all between give the same, within their memory") {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, network] : networks()) {
    CAPTURE(name);
    const auto runner = compiled(*network);
    const Tensor picture = random_picture(203, 157), expected = network->forward(picture);
    const RegionOptions all{.keep_bytes = everything, .tile = 40, .kept = KeptPrecision::fp32};
    const std::uint64_t most = in_parts(*runner, picture, network->info(), all).statistics.kept_bytes;
    for (const double part : {0.0, 0.02, 0.1, 0.3, 0.6, 1.0, 2.0}) {
      RegionOptions options = all;
      options.keep_bytes = static_cast<std::uint64_t>(part * static_cast<double>(most));
      CAPTURE(options.keep_bytes);
      const InParts result = in_parts(*runner, picture, network->info(), options);
      CHECK(test::relative_error(result.values, expected) <= 1e-5);
      CHECK(result.statistics.kept_bytes <= options.keep_bytes);
      const RegionStatistics promised = runner->estimate(203, 157, options);
      CHECK(promised.kept_bytes <= options.keep_bytes);
      CHECK(result.statistics.kept_bytes <= promised.kept_bytes);
      if (part == 0) CHECK(result.statistics.kept == 0);
    }
  }
}

TEST_CASE("regions: tiles of one pixel or one row, and pictures of few pixels") {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, network] : networks()) {
    CAPTURE(name);
    const auto runner = compiled(*network);
    for (const auto& [height, width] : {std::pair{9, 13}, {1, 37}, {30, 1}, {1, 1}, {5, 3}}) {
      CAPTURE(height);
      const Tensor picture = random_picture(height, width);
      // Where the network itself can't (a reflection of one pixel), it has no result to compare with.
      Tensor expected;
      try {
        expected = network->forward(picture);
      } catch (const c10::Error&) {
        continue;
      }
      for (const int tile : {1, 2, 7})
        for (const std::uint64_t budget : {std::uint64_t{0}, everything}) {
          const RegionOptions options{.keep_bytes = budget, .tile = tile, .kept = KeptPrecision::fp32};
          CHECK(test::relative_error(in_parts(*runner, picture, network->info(), options).values, expected) <= 1e-5);
        }
    }
  }
}

TEST_CASE("regions: every architecture of the registry") {
  const torch::NoGradGuard no_grad;
  int compared = 0;
  for (const auto& [network, name] : test::random_networks()) {
    CAPTURE(name);
    std::string why;
    const auto runner = RegionRunner::compile(*network, why);
    if (!runner && test::left_to_libtorch(*network, why)) continue;
    REQUIRE_MESSAGE(runner, why);
    for (const auto& [height, width] : {std::pair{61, 47}, {3, 8}}) {
      const Tensor picture = random_picture(height, width, network->info().in_channels);
      const Tensor expected = network->forward(picture);
      for (const std::uint64_t budget : {std::uint64_t{60000}, everything}) {
        const RegionOptions options{.keep_bytes = budget, .tile = 24, .kept = KeptPrecision::fp32};
        // Norms of one or four pixels deep inside enlarge the last bit.
        CHECK(test::relative_error(in_parts(*runner, picture, network->info(), options).values, expected) <= 1e-4);
        ++compared;
      }
    }
  }
  CHECK(compared > 50);
}

TEST_CASE("regions: values kept in sixteen bits change little, huge ones too") {
  const torch::NoGradGuard no_grad;
  const auto network = seeded<Residual>();
  const Tensor picture = random_picture(133, 101);
  for (const float factor : {1.0F, 3e6F}) {
    // The norm behind the first layers takes their factor away again.
    for (auto& parameter : network->named_parameters())
      if (parameter.key() == "layer1.weight" || parameter.key() == "layer2.weight") parameter.value().mul_(factor);
    const auto runner = compiled(*network);
    const Tensor expected = network->forward(picture);
    const InParts result = in_parts(*runner, picture, network->info(),
                                    {.keep_bytes = everything, .tile = 50, .kept = KeptPrecision::fp16});
    CHECK(result.statistics.kept_in_fp16);
    const double error = test::relative_error(result.values, expected);
    CHECK(error > 0);
    CHECK(error <= (factor == 1 ? 0.005 : 0.05));
  }
}

TEST_CASE("regions: a dark and a bright half keep their colours") {
  const torch::NoGradGuard no_grad;
  const auto network = seeded<Residual>();
  const auto runner = compiled(*network);
  Tensor picture = random_picture(128, 256) * 0.1;
  picture.narrow(3, 0, 128).sub_(0.8);
  picture.narrow(3, 128, 128).add_(0.8);
  const Tensor expected = network->forward(picture);
  const RegionOptions options{.tile = 64, .kept = KeptPrecision::fp32};
  CHECK(test::relative_error(in_parts(*runner, picture, network->info(), options).values, expected) <= 1e-5);
  // What tiles with statistics of their own make of it: the test would see it.
  const Tensor alone = network->forward(picture.narrow(3, 0, 128));
  CHECK(test::relative_error(alone, expected.narrow(3, 0, 128)) > 0.1);
}

TEST_CASE("regions: a photograph of 24 megapixels through the published ResNet is affordable") {
  torch::manual_seed(1);
  const GeneratorPtr network = make_generator("resnet", {{"width", 64}, {"blocks", 9}});
  network->eval();
  const auto runner = compiled(*network);
  const RegionStatistics costs = runner->estimate(4000, 6000);
  CHECK(costs.kept_bytes <= std::uint64_t{2} << 30);
  CHECK(costs.work_bytes <= RegionOptions().work_bytes);
  // 9408 + 2 * 18432 at full size and a quarter, 18 * 36864, and the same way back: by hand.
  CHECK(costs.plain_multiply_adds == doctest::Approx(756096.0 * 4000 * 6000));
  CHECK(costs.multiply_adds <= 1.5 * costs.plain_multiply_adds);
  CHECK(costs.multiply_adds >= costs.plain_multiply_adds);
}

TEST_CASE("regions: the caller's memory stays as it is") {
  const torch::NoGradGuard no_grad;
  const auto network = seeded<Doubling>();
  const auto runner = compiled(*network);
  std::vector<float> picture(3 * 20 * 30, 0.5F);
  const auto source = [&](const PictureRegion& r) {
    REQUIRE(r.width == 30);
    REQUIRE(r.height == 20);
    // Not a view, which LibTorch counts as shared with the tensor that it was made of.
    return torch::from_blob(picture.data(), {1, 3, 20, 30}, {1800, 1, 90, 3});
  };
  runner->run(20, 30, source, [](const PictureRegion&, const Tensor&) {});
  CHECK(picture == std::vector<float>(3 * 20 * 30, 0.5F));
}

TEST_CASE("regions: progress ends at one, an interrupt and too large tiles end the run") {
  const torch::NoGradGuard no_grad;
  const auto network = seeded<Residual>();
  const auto runner = compiled(*network);
  const auto source = [](const PictureRegion& r) { return torch::zeros({1, 3, r.height, r.width}); };
  const auto sink = [](const PictureRegion&, const Tensor&) {};
  double last = 0;
  runner->run(90, 70, source, sink, {.tile = 32}, [&](double done) {
    CHECK(done > last);
    last = done;
  });
  CHECK(last == doctest::Approx(1));
  set_interrupted(true);
  CHECK_THROWS_AS(runner->run(90, 70, source, sink), Error);
  set_interrupted(false);
  const auto unasked = [](const PictureRegion&) -> Tensor { throw std::logic_error("asked for the picture"); };
  CHECK_THROWS_AS(runner->run(1 << 20, 1 << 20, unasked, sink, {.tile = 1 << 19}), std::bad_alloc);
}

TEST_CASE("regions: an operator that isn't known is named") {
  Cosine network;
  std::string why;
  CHECK(!RegionRunner::compile(network, why));
  CHECK(why.find("aten::cos") != std::string::npos);
}
