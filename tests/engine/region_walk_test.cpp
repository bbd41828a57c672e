// Convolutions in bf16, on any CPU: RegionRunner leaves them out where they are slow.
#include <doctest/doctest.h>
#include <torch/torch.h>

#include <cmath>

#include "engine/graph/trace.hpp"
#include "engine/regions/walk.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"

using namespace ganvas;
using torch::Tensor;

namespace {

Tensor walked(const engine::Graph& graph, const Tensor& picture, bool bf16) {
  const engine::Size size{static_cast<int>(picture.size(2)), static_cast<int>(picture.size(3))};
  const engine::Problem problem{.graph = graph,
                                .sizes = result_sizes(graph, size),
                                .delivered = size,
                                .keep_bytes = 1e9,
                                .work_bytes = 1e9,
                                .tile = 48};
  const engine::Schedule schedule = choose_schedule(problem, /*half=*/false);
  Tensor result = torch::zeros_like(picture);
  const auto part = [](const Tensor& x, const engine::Region& r) {
    return x.narrow(2, r.rows.first, r.rows.size()).narrow(3, r.columns.first, r.columns.size());
  };
  engine::Walk(problem, schedule, bf16,
               {.picture = [&](const engine::Region& r) { return part(picture, r).clone(); },
                .deliver = [&](const engine::Region& r, const Tensor& values) { part(result, r).copy_(values); },
                .progress = {}})
      .run();
  return result;
}

}  // namespace

TEST_CASE("walk: bf16 comes close and leaves no steps in the picture") {
  const torch::NoGradGuard no_grad;
  use_cpu_threads(1);
  torch::manual_seed(8);
  const GeneratorPtr network = make_generator("resnet", {{"width", 8}, {"blocks", 2}});
  network->eval();
  const engine::Graph graph = fold(engine::trace(*network));
  const Tensor picture = torch::rand({1, 3, 96, 120}) * 2 - 1;
  const Tensor expected = network->forward(picture), fp32 = walked(graph, picture, false);
  CHECK((fp32 - expected).abs().max().item<double>() <= 1e-5);
  const Tensor bf16 = walked(graph, picture, true);
  const double error = (bf16 - expected).pow(2).mean().item<double>();
  CHECK(error > 1e-10);
  CHECK(10 * std::log10(4 / error) >= 40);
  // Values that bf16 could hold would be its own rounding.
  CHECK((bf16 != bf16.to(torch::kBFloat16).to(torch::kFloat)).to(torch::kFloat).mean().item<double>() > 0.9);
}
