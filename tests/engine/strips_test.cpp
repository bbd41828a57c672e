// Convolutions with PReLU strip by strip: the strips' geometry against LibTorch on whole pictures, and the plans.
#include "engine/layouts/strips.hpp"

#include <doctest/doctest.h>
#include <torch/torch.h>

#include <cmath>

#include "engine/graph/trace.hpp"
#include "engine/int8/int8.hpp"
#include "engine/kernels/row_kernels.hpp"
#include "ganvas/engine/engine.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"
#include "support/relative_error.hpp"

using namespace ganvas;
using ganvas::test::relative_error;
using torch::Tensor;

namespace {

/// A chain of convolutions with slopes that differ, as trained ones do.
GeneratorPtr with_slopes(const nlohmann::json& config) {
  torch::manual_seed(5);
  GeneratorPtr network = make_generator("compact", config);
  for (auto& parameter : network->parameters()) {
    parameter.set_requires_grad(false);
    if (parameter.dim() == 4) parameter.normal_(0, std::sqrt(1.6 / static_cast<double>(parameter[0].numel())));
    else if (parameter.dim() == 1) parameter.uniform_(-0.1, 0.6);
  }
  network->eval();
  network->weights_changed();
  return network;
}

double strips_psnr(const Tensor& a, const Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>() / b.square().max().item<double>());
}

const nlohmann::json narrow_chain{{"channels", 24}, {"convs", 3}, {"scale", 2}};

}  // namespace

TEST_CASE("strips of a convolution, computed one by one, are the whole result") {
  torch::manual_seed(1);
  for (const int kernel : {1, 3, 5})
    for (const int stride : {1, 2})
      for (const int padding : {0, 1, 2})
        for (const int dilation : {1, 2})
          for (const int rows : {1, 3, 8}) {
            engine::Convolution conv;
            conv.weight = torch::randn({2, 3, kernel, 1});
            conv.stride = {stride, 1};
            conv.padding = {padding, 0};
            conv.dilation = {dilation, 1};
            const int reach = dilation * (kernel - 1) + 1;
            if (padding >= reach) continue;
            const Tensor picture = torch::randn({1, 3, 21, 4});
            const auto convolved = [&](const Tensor& x, std::int64_t above, std::int64_t below) {
              return torch::conv2d(torch::constant_pad_nd(x, {0, 0, above, below}), conv.weight, Tensor(),
                                   torch::IntArrayRef({stride, 1}), torch::IntArrayRef({0, 0}),
                                   torch::IntArrayRef({dilation, 1}));
            };
            const Tensor whole = convolved(picture, padding, padding);
            const int height = static_cast<int>(whole.size(2));
            std::vector<Tensor> parts;
            int next = 0;
            for (const engine::Strip& strip : engine::strips_of(conv, 21, height, rows)) {
              CHECK(strip.first == next);
              next += strip.rows;
              const Tensor seen = picture.narrow(2, strip.from_first, strip.from_rows);
              const int below = (strip.rows - 1) * stride + reach - strip.above - strip.from_rows;
              CHECK(below >= 0);
              parts.push_back(convolved(seen, strip.above, below));
            }
            CHECK(relative_error(torch::cat(parts, 2), whole) <= 1e-6);
          }
}

TEST_CASE("strips: chains of convolutions with PReLU take them, others don't") {
  const auto chosen = [](const GeneratorPtr& network) {
    const engine::Graph graph = engine::fold(engine::trace(*network));
    const engine::StripChoice choice =
        engine::choose_strips(graph, [&](engine::NodeId id) { return graph[id].channels <= 16; });
    return std::ranges::count(choice.in_strips, true);
  };
  CHECK(chosen(with_slopes(narrow_chain)) == 4);
  CHECK(chosen(make_generator("compact", {{"channels", 24}, {"convs", 3}, {"scale", 2}, {"slope", 0.1}})) == 0);
  const GeneratorPtr residual = make_generator("srresnet", {{"channels", 24}, {"blocks", 2}, {"scale", 2}});
  residual->eval();
  CHECK(chosen(residual) == 0);
}

TEST_CASE("strips: pictures of many strips are what LibTorch makes of them") {
  const torch::NoGradGuard no_grad;
  use_cpu_threads(1);
  const GeneratorPtr network = with_slopes(narrow_chain);
  const Int8Calibration calibration = calibrate_int8(*network, torch::rand({4, 3, 32, 32}));
  for (const auto& [height, width] : {std::pair{403, 67}, {41, 5}, {1, 300}}) {
    CAPTURE(height);
    const Tensor picture = torch::rand({1, 3, height, width}), expected = network->forward(picture);
    std::string why;
    const auto exact = Engine::compile(*network, {}, why);
    if (why == "built without oneDNN") {
      MESSAGE("[skipped] built without oneDNN");
      return;
    }
    REQUIRE_MESSAGE(exact, why);
    CHECK(relative_error(exact->run(picture), expected) <= 1e-4);
    for (const bool bf16 : {false, true}) {
      if (bf16 && !engine_has_bf16()) continue;
      const auto half = Engine::compile(*network, {.bf16 = bf16, .int8_record = {}}, why);
      REQUIRE_MESSAGE(half, why);
      CHECK(strips_psnr(half->run(picture), expected) >= 50);
      const auto small = Engine::compile(*network, {.bf16 = bf16, .int8_record = calibration.record}, why);
      REQUIRE_MESSAGE(small, why);
      engine::Graph graph = engine::fold(engine::trace(*network));
      engine::apply_int8_record(graph, calibration.record);
      const Tensor simulated = engine::simulated(graph, picture, engine::largest_int8_weight());
      CHECK(strips_psnr(small->run(picture), simulated) >= (bf16 ? 40 : 50));
    }
  }
}

TEST_CASE("rows in bf16: rounding to the nearest even, PReLU and int8 as computed one by one") {
  if (!engine_has_bf16() && !engine_has_int8()) MESSAGE("no bf16 or int8 instructions here: plain loops");
  torch::manual_seed(2);
  for (const int block : {8, 16, 24, 64}) {
    const Tensor values = torch::randn({37, block}) * 3, slopes = torch::rand({block}) - 0.2;
    const std::int64_t count = values.numel();
    std::vector<std::uint16_t> half(static_cast<std::size_t>(count));
    engine::narrow(values.data_ptr<float>(), half.data(), count);
    const Tensor rounded = values.to(torch::kBFloat16);
    const auto* bits = static_cast<const std::uint16_t*>(rounded.data_ptr());
    CHECK(std::equal(half.begin(), half.end(), bits));

    const Tensor leaked = torch::prelu(rounded.to(torch::kFloat), slopes);
    std::vector<std::uint8_t> small(half.size());
    engine::leak_to_int8(half.data(), slopes.data_ptr<float>(), 30.3F, 41, small.data(), 37, block);
    const Tensor whole = (leaked * 30.3F + 41).clamp(0, 255).round().contiguous();
    int apart = 0;
    for (std::int64_t i = 0; i < count; ++i)
      apart =
          std::max(apart, std::abs(small[static_cast<std::size_t>(i)] - static_cast<int>(whole.data_ptr<float>()[i])));
    CHECK(apart <= 1);  // a fused multiplication and addition may round a half otherwise

    engine::leak(half.data(), slopes.data_ptr<float>(), 37, block);
    const Tensor expected = leaked.to(torch::kBFloat16);
    CHECK(std::equal(half.begin(), half.end(), static_cast<const std::uint16_t*>(expected.data_ptr())));
  }
}
