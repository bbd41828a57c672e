// The chooser on this machine's oneDNN with a pretended stopwatch, and plans of any layouts.
#include <doctest/doctest.h>
#include <torch/torch.h>

#include "engine/random_networks.hpp"
#include "ganvas/core/isa.hpp"
#include "ganvas/engine/engine.hpp"
#include "ganvas/nn/threads.hpp"
#include "support/relative_error.hpp"
#include "support/support.hpp"

#ifdef GANVAS_WITH_ONEDNN

#include <cmath>
#include <random>

#include "engine/graph/sizes.hpp"
#include "engine/graph/trace.hpp"
#include "engine/plan/layout_chooser.hpp"
#include "engine/plan/plan.hpp"

using namespace ganvas;
using engine::NodeId;
using engine::Together;
using ganvas::test::relative_error;
using torch::Tensor;

namespace {

constexpr engine::Size chosen_for{128, 160};

/// Random weights under which values stay of one size, wide enough for several blocks of channels.
GeneratorPtr wide_network(const std::string& architecture, const nlohmann::json& config) {
  torch::manual_seed(6);
  GeneratorPtr network = make_generator(architecture, config);
  for (auto& parameter : network->parameters())
    if (parameter.dim() == 4) parameter.data().normal_(0, std::sqrt(1.5 / static_cast<double>(parameter[0].numel())));
  network->eval();
  network->weights_changed();
  return network;
}

std::vector<std::pair<std::string, GeneratorPtr>> wide_networks() {
  return {{"compact", wide_network("compact", {{"channels", 40}, {"convs", 3}, {"scale", 2}, {"slope", 0.1}})},
          {"compact with PReLU", wide_network("compact", {{"channels", 40}, {"convs", 3}, {"scale", 2}})},
          {"rrdbnet", wide_network("rrdbnet", {{"channels", 32}, {"blocks", 1}, {"growth", 16}, {"scale", 2}})},
          {"rrdbnet of odd widths",
           wide_network("rrdbnet", {{"channels", 36}, {"blocks", 1}, {"growth", 20}, {"scale", 1}})},
          {"resnet", wide_network("resnet", {{"width", 12}, {"blocks", 1}})},
          {"unet", wide_network("unet", {{"width", 12}, {"downs", 5}, {"norm", "batch"}})},
          {"srresnet", wide_network("srresnet", {{"channels", 40}, {"blocks", 2}, {"scale", 2}})}};
}

/// What a plan of these layouts gives.
Tensor planned(const engine::Graph& graph, const Tensor& picture, engine::Numbers numbers, const Together& together) {
  const engine::Size size{static_cast<int>(picture.size(2)), static_cast<int>(picture.size(3))};
  engine::PackedWeights weights;
  engine::Plan plan(graph, size, numbers, together, weights);
  const Tensor arena = torch::empty({static_cast<std::int64_t>(plan.arena_bytes()) + 64}, torch::kByte);
  auto* bytes = static_cast<std::byte*>(arena.data_ptr());
  bytes += (64 - reinterpret_cast<std::uintptr_t>(bytes) % 64) % 64;
  const Tensor input = picture.contiguous(at::MemoryFormat::ChannelsLast);
  Tensor output = torch::empty({1, plan.result().channels, plan.result().height, plan.result().width},
                               torch::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
  plan.run(bytes, input.data_ptr<float>(), output.data_ptr<float>());
  return output;
}

double planned_psnr(const Tensor& actual, const Tensor& expected) {
  return -10 * std::log10((actual - expected).square().mean().item<double>() / expected.square().max().item<double>());
}

/// A chooser on a pretended machine.
struct Pretence {
  engine::Graph graph;
  test::TemporaryFolder folder;
  int readings = 0;
  std::function<double(const engine::Timed&)> seconds;

  engine::LayoutChooser chooser(engine::Numbers numbers = {}) {
    engine::ChooserGround ground;
    ground.cpu = engine::CpuFacts{"a CPU that nobody knows", false, false};
    ground.stopwatch = [this](const engine::Timed& what, const std::function<void()>&) {
      ++readings;
      return seconds(what);
    };
    ground.cache = engine::ChoiceCache(folder.path() / "plans");
    return engine::LayoutChooser(graph, numbers, FeatureLayout::automatic, chosen_for, ground);
  }
  int together(const Together& choice) const {
    int found = 0;
    for (const NodeId id : graph.ids())
      if (engine::as_any_convolution(graph[id]) && choice[id]) ++found;
    return found;
  }
};

/// `times` as fast with all channels together.
auto faster_together(double times) {
  return [times](const engine::Timed& what) {
    const double seconds = what.operations / (what.node < 0 ? 1e12 : 1e11);
    return what.together && what.node >= 0 ? seconds / times : seconds;
  };
}

Pretence pretended_compact(double times) {
  const GeneratorPtr network = wide_network("compact", {{"channels", 40}, {"convs", 3}, {"scale", 2}, {"slope", 0.1}});
  return {engine::fold(engine::trace(*network)), {}, 0, faster_together(times)};
}

}  // namespace

TEST_CASE("plans of any layouts: what LibTorch gives, in fp32 and bf16") {
  const torch::NoGradGuard no_grad;
  use_cpu_threads(1);
  std::mt19937 random(7);
  for (const auto& [name, network] : wide_networks()) {
    CAPTURE(name);
    const engine::Graph graph = engine::fold(engine::trace(*network));
    const std::int64_t multiple = std::max<std::int64_t>(4, network->info().multiple);
    const Tensor picture = to_range(torch::rand({1, 3, 5 * multiple, 7 * multiple}), network->info());
    const Tensor expected = network->forward(picture);
    for (int mixture = 0; mixture < 4; ++mixture) {
      CAPTURE(mixture);
      Together together(graph.size(), mixture == 0);
      for (const NodeId id : graph.ids())
        if (mixture > 1) together[id] = random() % 2 == 0;
      CHECK(relative_error(planned(graph, picture, {}, together), expected) <= 1e-4);
      if (engine_has_bf16())
        CHECK(planned_psnr(planned(graph, picture, {.features = engine::Element::bf16}, together), expected) >= 36);
    }
  }
}

TEST_CASE("the engine with all channels together gives what LibTorch gives, on odd sizes") {
  const torch::NoGradGuard no_grad;
  use_cpu_threads(1);
  for (const auto& [name, network] : wide_networks())
    for (const bool bf16 : {false, true}) {
      if (bf16 && !engine_has_bf16()) continue;
      CAPTURE(name);
      std::string why;
      const auto made =
          Engine::compile(*network, {.bf16 = bf16, .int8_record = {}, .layout = FeatureLayout::together}, why);
      REQUIRE_MESSAGE(made, why);
      for (const auto& [height, width] : {std::pair{67, 45}, {33, 8}}) {
        const Tensor picture = to_range(torch::rand({1, 3, height, width}), network->info());
        const Tensor expected = network->forward(picture), actual = made->run(picture);
        if (bf16) CHECK(planned_psnr(actual, expected) >= 36);
        else CHECK(relative_error(actual, expected) <= 1e-4);
      }
    }
}

TEST_CASE("chooser: by measured times, kept for the next one, and without its cache it measures again") {
  Pretence pretence = pretended_compact(6);
  CHECK(pretence.together(pretence.chooser().layouts_for(chosen_for)) == 5);
  const int measured = pretence.readings;
  CHECK(measured > 0);
  CHECK(pretence.together(pretence.chooser().layouts_for(chosen_for)) == 5);
  CHECK(pretence.readings == measured);
  std::filesystem::remove_all(pretence.folder.path() / "plans");
  pretence.seconds = faster_together(0.5);
  CHECK(pretence.together(pretence.chooser().layouts_for(chosen_for)) == 0);
  CHECK(pretence.readings > measured);
}

TEST_CASE("chooser: absurd and jumping times leave what is usual") {
  for (const double absurd : {-1.0, 0.0, static_cast<double>(NAN), 1e9}) {
    Pretence pretence = pretended_compact(1);
    pretence.seconds = [absurd](const engine::Timed&) { return absurd; };
    CHECK(pretence.together(pretence.chooser().layouts_for(chosen_for)) == 0);
  }
  // One percent is no reason, nor is a single reading.
  Pretence pretence = pretended_compact(1.01);
  CHECK(pretence.together(pretence.chooser().layouts_for(chosen_for)) == 0);
  Pretence jumping = pretended_compact(1);
  jumping.seconds = [&, reading = 0](const engine::Timed& what) mutable {
    const double seconds = what.operations / (what.node < 0 ? 1e12 : 1e11);
    return ++reading % 5 == 0 ? (what.together ? seconds / 1000 : seconds * 1000) : seconds;
  };
  CHECK(jumping.together(jumping.chooser().layouts_for(chosen_for)) == 0);
}

TEST_CASE("chooser: a time against a guess decides nothing") {
  // What lies together is timed, and seems twice as fast as any guess; the other times are impossible.
  Pretence pretence = pretended_compact(1);
  pretence.seconds = [](const engine::Timed& what) { return what.together ? what.operations / 2e11 : -1; };
  CHECK(pretence.together(pretence.chooser().layouts_for(chosen_for)) == 0);
}

TEST_CASE("chooser: bf16 is compared by what its convolutions take") {
  if (!engine_has_bf16()) {
    MESSAGE("[skipped] this CPU has no bf16");
    return;
  }
  // The pretended machine is slow in bf16 in blocks and fast together.
  Pretence pretence = pretended_compact(6);
  const double half = pretence.chooser({.features = engine::Element::bf16}).typical_seconds();
  pretence.seconds = faster_together(1);
  const double full = pretence.chooser().typical_seconds();
  CHECK(half < full);
  CHECK(half > 0);
}

TEST_CASE("GANVAS_MAX_ISA caps oneDNN and our own code alike") {
  const engine::CpuFacts cpu = engine::cpu_facts();
  if (isa_cap() < Isa::all) CHECK(!cpu.has_amx_bf16);
  if (isa_cap() < Isa::avx512_bf16) CHECK(!engine_has_bf16());
  if (isa_cap() < Isa::avx512_vnni) CHECK(!engine_has_int8());
  if (isa_cap() < Isa::avx512) CHECK(engine::channel_block() == 8);
  if (cpu_has(Isa::avx512)) CHECK(engine::channel_block() == 16);
  CHECK(parse_isa("avx512_vnni") == Isa::avx512_vnni);
  CHECK(isa_name(Isa::avx2) == "avx2");
  CHECK(!parse_isa("avx1024"));
}

#endif
