// The sweep over all operators: the compiled plan, the network in parts, and what is exported must give what LibTorch
// gives, for every example that an operator's file offers.
#include <doctest/doctest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/graph/trace.hpp"
#include "engine/int8/int8.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/engine/engine.hpp"
#include "ganvas/engine/exporter.hpp"
#include "ganvas/engine/region_runner.hpp"
#include "ganvas/nn/padding.hpp"
#include "ganvas/nn/threads.hpp"
#include "ganvas/nn/traced_operators.hpp"
#include "support/relative_error.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::relative_error;
using torch::Tensor;
namespace fs = std::filesystem;

namespace {

constexpr double tolerance = 1e-4;

/// An example as a network of any size.
class ExampleNetwork final : public Generator {
 public:
  explicit ExampleNetwork(engine::Example example) : example_(std::move(example)) {
    info_ = {.scale = example_.scale,
             .in_channels = example_.channels,
             .multiple = example_.multiple,
             .global = example_.global};
    const std::int64_t side = 12 * example_.multiple;
    info_.out_channels = static_cast<int>(forward(torch::rand({1, example_.channels, side, side})).size(1));
  }
  bool exported() const { return example_.exported; }
  Tensor forward(const Tensor& input) override {
    const Tensor result = example_.forward(pad_to_multiple(input, example_.multiple));
    return result.slice(2, 0, input.size(2) * example_.scale).slice(3, 0, input.size(3) * example_.scale);
  }
  GeneratorInfo info() const override { return info_; }
  std::string architecture() const override { return "example"; }
  nlohmann::json config() const override { return nlohmann::json::object(); }

 private:
  engine::Example example_;
  GeneratorInfo info_;
};

/// Every example of every operator, under "operator: example".
std::vector<std::pair<std::shared_ptr<ExampleNetwork>, std::string>> examples() {
  use_cpu_threads(1);
  torch::manual_seed(12);
  std::vector<std::pair<std::shared_ptr<ExampleNetwork>, std::string>> networks;
  for (engine::Example& example : engine::all_examples()) {
    const std::string name = example.name;
    networks.emplace_back(std::make_shared<ExampleNetwork>(std::move(example)), name);
  }
  return networks;
}

/// Around zero too.
Tensor picture_for(const Generator& network, std::int64_t height, std::int64_t width) {
  return torch::rand({1, network.info().in_channels, height, width}) * 1.5 - 0.5;
}

/// Odd sizes, and one row; the smallest in which reflections and kernels have their place.
const std::vector<std::pair<int, int>> sizes{{23, 37}, {41, 8}, {8, 9}};

Tensor in_parts(RegionRunner& runner, const Tensor& picture, const GeneratorInfo& info, int tile,
                std::uint64_t keep_bytes) {
  const auto height = picture.size(2), width = picture.size(3);
  Tensor result = torch::zeros({1, info.out_channels, height * info.scale, width * info.scale});
  runner.run(
      static_cast<int>(height), static_cast<int>(width),
      [&](const PictureRegion& r) { return picture.narrow(2, r.y, r.height).narrow(3, r.x, r.width); },
      [&](const PictureRegion& r, const Tensor& values) {
        result.narrow(2, r.y, r.height).narrow(3, r.x, r.width).copy_(values);
      },
      {.keep_bytes = keep_bytes, .tile = tile, .kept = KeptPrecision::fp32});
  return result;
}

}  // namespace

TEST_CASE("operators: each has examples in which the graph shows it, and every name in the trace one meaning") {
  const torch::NoGradGuard no_grad;
  std::map<std::size_t, int> seen;
  for (const auto& [network, name] : examples()) {
    CAPTURE(name);
    const engine::Graph graph = engine::trace(*network);
    for (const engine::Node& node : graph) ++seen[node.op.index()];
    for (const engine::Node& node : engine::fold(graph)) ++seen[node.op.index()];  // some come of others
  }
  CHECK(seen.size() == std::variant_size_v<engine::AnyOperator>);
  std::map<std::string, int> meanings;
  for (const engine::Traced& traced : engine::all_traced()) ++meanings[traced.name];
  for (const auto& [name, count] : meanings) CHECK_MESSAGE(count == 1, name);
}

TEST_CASE("operators: the compiled plan gives what LibTorch gives, on odd sizes") {
  const torch::NoGradGuard no_grad;
  for (const auto& [network, name] : examples()) {
    CAPTURE(name);
    for (const bool bf16 : {false, true}) {
      if (bf16 && !engine_has_bf16()) continue;
      std::string why;
      const auto compiled = Engine::compile(*network, {.bf16 = bf16, .int8_record = {}}, why);
      if (why == "built without oneDNN") {
        MESSAGE("[skipped] built without oneDNN");
        return;
      }
      REQUIRE_MESSAGE(compiled, why);
      for (const auto& [height, width] : sizes) {
        CAPTURE(height);
        const Tensor picture = picture_for(*network, height, width), expected = network->forward(picture);
        CHECK(relative_error(compiled->run(picture), expected) <= (bf16 ? 0.03 : tolerance));
      }
    }
  }
}

TEST_CASE("operators: parts make the whole, whatever the tiles") {
  const torch::NoGradGuard no_grad;
  for (const auto& [network, name] : examples()) {
    CAPTURE(name);
    std::string why;
    const auto runner = RegionRunner::compile(*network, why);
    REQUIRE_MESSAGE(runner, why);
    for (const auto& [height, width] : sizes) {
      CAPTURE(height);
      const Tensor picture = picture_for(*network, height, width), expected = network->forward(picture);
      for (const int tile : {3, 10, 1000})
        for (const std::uint64_t keep : {std::uint64_t{0}, std::uint64_t{1} << 30})
          CHECK(relative_error(in_parts(*runner, picture, network->info(), tile, keep), expected) <= tolerance);
    }
  }
}

TEST_CASE("operators: evaluated on whole pictures, as for the calibration of int8, each gives what LibTorch gives") {
  const torch::NoGradGuard no_grad;
  for (const auto& [network, name] : examples()) {
    CAPTURE(name);
    const std::int64_t side = 12 * network->info().multiple;
    const Tensor picture = picture_for(*network, side, side), expected = network->forward(picture);
    // A border up to a multiple stays on: the engine cuts it off.
    const Tensor result = engine::simulated(engine::fold(engine::trace(*network)), picture, 0)
                              .slice(2, 0, expected.size(2))
                              .slice(3, 0, expected.size(3));
    CHECK(relative_error(result, expected) <= tolerance);
  }
}

TEST_CASE("operators: what is sampled at a place that is no number is none, and nothing else") {
  use_cpu_threads(1);
  const torch::NoGradGuard no_grad;
  ExampleNetwork network({.name = "sampled",
                          .forward = [](const Tensor& x) { return sampled(x.narrow(1, 0, 1), x, 1, 1, false); },
                          .channels = 2});
  std::string why;
  const auto compiled = Engine::compile(network, {.int8_record = {}}, why);
  const auto parts = RegionRunner::compile(network, why);
  if (!parts || (!compiled && why != "built without oneDNN")) FAIL(why);
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    const Tensor picture = torch::rand({1, 2, 20, 30});
    const Tensor expected = network.forward(picture);
    expected[0][0][7][25] = 0;
    picture[0][1][7][25] = value;
    std::vector<Tensor> results{in_parts(*parts, picture, network.info(), 8, 0)};
    if (compiled) results.push_back(compiled->run(picture));
    for (Tensor& result : results) {
      CHECK(std::isnan(result[0][0][7][25].item<float>()));
      result[0][0][7][25] = 0;
      CHECK(relative_error(result, expected) <= tolerance);
    }
  }
}

TEST_CASE("operators: exported as TorchScript and ONNX") {
  const torch::NoGradGuard no_grad;
  const test::TemporaryFolder folder;
  bool onnx = true;
  for (const auto& [network, name] : examples()) {
    CAPTURE(name);
    if (!network->exported()) {
      CHECK_THROWS_AS(export_torchscript(*network, folder / "network.pt"), Error);
      continue;
    }
    export_torchscript(*network, folder / "network.pt");
    torch::jit::Module read = torch::jit::load((folder / "network.pt").string());
    const Tensor picture = picture_for(*network, 23, 38).repeat({2, 1, 1, 1});
    CHECK(relative_error(read.forward({picture}).toTensor(), network->forward(picture)) <= tolerance);
    try {
      if (onnx) export_onnx(*network, folder / "network.onnx");
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage) throw;
      MESSAGE("built without the ONNX library");
      onnx = false;
    }
  }
}
