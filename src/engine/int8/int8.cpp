#include "engine/int8/int8.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/graph/sizes.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/engine/engine.hpp"

namespace ganvas::engine {

namespace {

using torch::Tensor;

/// Fewer channels than this, and converting costs more than integers save.
constexpr int fewest_channels = 16;
constexpr double values_of_a_byte = 255;

Tensor rounded(const Tensor& x, const Int8Scale& scale) {
  return (x / scale.step).round_().clamp_(-scale.zero, values_of_a_byte - scale.zero).mul_(scale.step);
}

/// Of 60 clipping limits the one with the least squared error, on a part of many values.
Int8Scale best_scale(const Tensor& x) {
  const Tensor all = x.flatten();
  const Tensor some = all.slice(0, 0, all.numel(), std::max<std::int64_t>(1, all.numel() / 400'000)).clone();
  const double low = std::min(0.0, all.min().item<double>()), high = std::max(0.0, all.max().item<double>());
  if (low == high) return {1, 0};
  Int8Scale best;
  double least = -1;
  for (int i = 0; i < 60; ++i) {
    Int8Scale scale;
    scale.step = (high - low) * (1 - i / 75.0) / values_of_a_byte;
    scale.zero = static_cast<int>(std::lround(-low / (high - low) * values_of_a_byte));
    const double error = (rounded(some, scale) - some).square_().mean().item<double>();
    if (least >= 0 && error >= least) continue;
    least = error;
    best = scale;
  }
  return best;
}

/// Values of all nodes for a batch of pictures, each freed after its last use.
class Walk {
 public:
  Walk(const Graph& graph, const Tensor& pictures)
      : graph_(graph),
        left_(use_counts(graph)),
        sizes_(result_sizes(graph, {static_cast<int>(pictures.size(2)), static_cast<int>(pictures.size(3))})),
        values_(graph.size()) {
    values_[graph.input()] = pictures.contiguous(at::MemoryFormat::ChannelsLast);
  }

  const Tensor& value(NodeId id) const { return values_[id]; }

  /// What node `id` gives, or one like it (with other weights, or bare), or for `first` in place of its first input.
  Tensor result(NodeId id, const Node& node, const Tensor& first = {}) const {
    Evaluation e;
    e.channels = node.channels;
    e.wanted = whole(sizes_[id]);
    for (const NodeId input : node.inputs) {
      e.inputs.push_back(value(input));
      e.regions.push_back(whole(sizes_[input]));
      e.sizes.push_back(sizes_[input]);
    }
    if (first.defined()) e.inputs[0] = first;
    GlobalValues globals;
    if (node->statistics() != Statistics::none) {
      globals = {e.inputs[0].mean({2, 3}), e.inputs[0].var({2, 3}, /*unbiased=*/false)};
      e.globals = &globals;
    }
    return node->evaluate(e);
  }
  Tensor result(NodeId id) const { return result(id, graph_[id]); }
  void set(NodeId id, Tensor value) {
    values_[id] = std::move(value);
    for (const NodeId input : graph_[id].inputs)
      if (--left_[input] == 0) values_[input].reset();
  }

 private:
  const Graph& graph_;
  PerNode<int> left_;
  PerNode<Size> sizes_;
  PerNode<Tensor> values_;
};

/// The sum of products alone.
Node bare(Node node) {
  as<Convolution>(node)->activation = {};
  node.inputs.resize(1);
  return node;
}

/// The convolution with the weights that int8 leaves of them, and the correction.
Node in_int8(Node node, double largest) {
  auto& conv = *as<Convolution>(node);
  const Int8Weights small = int8_weights(conv.weight, largest);
  conv.weight = small.values * small.steps.view({-1, 1, 1, 1});
  if (conv.correction.defined()) conv.bias = conv.bias.defined() ? conv.bias + conv.correction : conv.correction;
  return node;
}

}  // namespace

Int8Weights int8_weights(const Tensor& weight, double largest) {
  Tensor steps = weight.abs().amax({1, 2, 3}) / largest;
  steps = torch::where(steps > 0, steps, torch::ones_like(steps));
  return {(weight / steps.view({-1, 1, 1, 1})).round_().clamp_(-largest, largest), steps};
}

double largest_int8_weight() { return engine_has_int8() ? 127 : 63; }

std::vector<NodeId> int8_candidates(const Graph& graph) {
  // Which results reach another convolution: all but those of the last one and what comes behind it.
  PerNode<bool> is_read(graph.size(), false);
  for (const NodeId id : graph.ids_backwards())
    if (is_read[id] || as_any_convolution(graph[id]))
      for (const NodeId input : graph[id].inputs) is_read[input] = true;
  std::vector<NodeId> found;
  for (const NodeId id : graph.ids()) {
    const auto* conv = as<Convolution>(graph[id]);
    if (is_read[id] && conv && conv->groups == 1 && conv->weight.size(1) >= fewest_channels) found.push_back(id);
  }
  return found;
}

Int8Results calibrate(Graph& graph, const Tensor& pictures) {
  const torch::NoGradGuard no_grad;
  constexpr double most = 127;
  const std::vector<NodeId> chosen = int8_candidates(graph);
  Walk exact(graph, pictures), small(graph, pictures);
  for (const NodeId id : graph.ids()) {
    if (id == graph.input()) continue;
    const Tensor expected = exact.result(id);
    if (!std::ranges::binary_search(chosen, id)) {
      small.set(id, small.result(id));
    } else {
      Node& n = graph[id];
      auto& conv = *as<Convolution>(n);
      // What earlier layers lost is part of what this one's correction makes up for.
      conv.scale_in = best_scale(exact.value(n.inputs[0]));
      const Tensor input = rounded(small.value(n.inputs[0]), conv.scale_in);
      conv.correction = torch::zeros({n.channels});
      conv.correction =
          exact.result(id, bare(n)).mean({0, 2, 3}) - small.result(id, bare(in_int8(n, most)), input).mean({0, 2, 3});
      small.set(id, small.result(id, in_int8(n, most), input));
    }
    exact.set(id, expected);
  }
  return {exact.value(graph.output()), small.value(graph.output())};
}

Tensor simulated(const Graph& graph, const Tensor& pictures, double largest) {
  const torch::NoGradGuard no_grad;
  Walk walk(graph, pictures);
  for (const NodeId id : graph.ids()) {
    if (id == graph.input()) continue;
    const Node& n = graph[id];
    const auto* conv = as<Convolution>(n);
    const bool small = largest > 0 && conv && conv->scale_in.used();
    walk.set(id, small ? walk.result(id, in_int8(n, largest), rounded(walk.value(n.inputs[0]), conv->scale_in))
                       : walk.result(id));
  }
  return walk.value(graph.output());
}

std::string int8_record(const Graph& graph) {
  nlohmann::json layers = nlohmann::json::array();
  for (const NodeId id : int8_candidates(graph)) {
    const auto& conv = *as<Convolution>(graph[id]);
    nlohmann::json correction = nlohmann::json::array();
    for (std::int64_t c = 0; c < conv.correction.size(0); ++c) correction.push_back(conv.correction[c].item<float>());
    layers.push_back({{"step", conv.scale_in.step}, {"zero", conv.scale_in.zero}, {"correction", correction}});
  }
  return nlohmann::json{{"layers", layers}}.dump();
}

void apply_int8_record(Graph& graph, const std::string& text) {
  const auto refuse = [] {
    fail(ErrorKind::model, "its int8 record doesn't fit the network; make it again: ganvas model quantize");
  };
  const auto record = nlohmann::json::parse(text, nullptr, false);
  const std::vector<NodeId> places = int8_candidates(graph);
  if (!record.is_object() || !record.contains("layers") || record["layers"].size() != places.size()) refuse();
  try {
    for (std::size_t k = 0; k < places.size(); ++k) {
      Node& n = graph[places[k]];
      auto& conv = *as<Convolution>(n);
      const auto& layer = record["layers"][k];
      conv.scale_in = {layer.at("step").get<double>(), layer.at("zero").get<int>()};
      const auto correction = layer.at("correction").get<std::vector<float>>();
      if (!conv.scale_in.used() || !std::isfinite(conv.scale_in.step) || conv.scale_in.zero < 0 ||
          conv.scale_in.zero > values_of_a_byte || static_cast<int>(correction.size()) != n.channels)
        refuse();
      conv.correction = torch::tensor(correction);
    }
  } catch (const nlohmann::json::exception&) {
    refuse();
  }
}

}  // namespace ganvas::engine
