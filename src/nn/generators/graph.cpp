// A network that came with its graph, as an ncnn pair or an ONNX file (nn/netlist): the graph is its configuration, so
// that it is stored and trained on like all others.
#include <torch/torch.h>

#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/netlist/network.hpp"

namespace ganvas::graph_plugin {

namespace {

GeneratorPtr make(const nlohmann::json& config) {
  const auto network = netlist::network_of(config);
  // Where it isn't loaded: as any network starts.
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& weight : network->parameters()) {
    weight.set_requires_grad(true);
    if (weight.dim() == 4) torch::nn::init::kaiming_normal_(weight, 0.1);
  }
  return network;
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "graph",
          .summary = "any network that comes with its graph: ncnn pairs (.param and .bin), ONNX files",
          .order = 1000,
          .detect = [](const StateDict&) { return std::optional<Detected>(); },
          .make = make,
          .examples = {}};  // nothing is recognised by keys; tests/nn/with_graph_test.cpp has graphs
}

}  // namespace ganvas::graph_plugin
