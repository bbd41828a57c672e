#include "engine/int8.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/geometry.hpp"
#include "engine/region_operators.hpp"
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
        values_(graph.nodes.size()) {
    values_[0] = pictures.contiguous(at::MemoryFormat::ChannelsLast);
  }

  const Tensor& value(int i) const { return values_[static_cast<std::size_t>(i)]; }

  /// What node `i` gives, or one like it (with other weights, or bare), or for `first` in place of its first input.
  Tensor result(int i, const Node& node, const Tensor& first = {}) const {
    std::vector<Tensor> inputs;
    std::vector<Region> regions;
    std::vector<Size> sizes;
    for (const int input : node.inputs) {
      inputs.push_back(value(input));
      sizes.push_back(sizes_[static_cast<std::size_t>(input)]);
      regions.push_back(whole(input));
    }
    if (first.defined()) inputs[0] = first;
    if (node.op == Op::mean) return inputs[0].mean({2, 3}, true);
    if (node.op == Op::instance_norm)
      return torch::instance_norm(inputs[0], node.scale, node.shift, {}, {}, true, 0.0, node.eps, false);
    return evaluate({node, whole(i), inputs, regions, sizes});
  }
  Tensor result(int i) const { return result(i, graph_.nodes[static_cast<std::size_t>(i)]); }
  void set(int i, Tensor value) {
    values_[static_cast<std::size_t>(i)] = std::move(value);
    for (const int input : graph_.nodes[static_cast<std::size_t>(i)].inputs)
      if (--left_[static_cast<std::size_t>(input)] == 0) values_[static_cast<std::size_t>(input)].reset();
  }

 private:
  Region whole(int i) const {
    const Size size = sizes_[static_cast<std::size_t>(i)];
    return {{0, size.height}, {0, size.width}};
  }

  const Graph& graph_;
  std::vector<int> left_;
  std::vector<Size> sizes_;
  std::vector<Tensor> values_;
};

/// The sum of products alone.
Node bare(Node node) {
  node.activation = Activation::none;
  node.inputs.resize(1);
  return node;
}

/// The convolution with the weights that int8 leaves of them, and the correction.
Node in_int8(Node node, double largest) {
  const Int8Weights small = int8_weights(node.weight, largest);
  node.weight = small.values * small.steps.view({-1, 1, 1, 1});
  if (node.correction.defined()) node.bias = node.bias.defined() ? node.bias + node.correction : node.correction;
  return node;
}

}  // namespace

Int8Weights int8_weights(const Tensor& weight, double largest) {
  Tensor steps = weight.abs().amax({1, 2, 3}) / largest;
  steps = torch::where(steps > 0, steps, torch::ones_like(steps));
  return {(weight / steps.view({-1, 1, 1, 1})).round_().clamp_(-largest, largest), steps};
}

double largest_int8_weight() { return engine_has_int8() ? 127 : 63; }

std::vector<int> int8_candidates(const Graph& graph) {
  // Which results reach another convolution: all but those of the last one and what comes behind it.
  std::vector<bool> is_read(graph.nodes.size(), false);
  for (std::size_t i = graph.nodes.size(); i-- > 0;)
    if (is_read[i] || is_convolution(graph.nodes[i]))
      for (const int input : graph.nodes[i].inputs) is_read[static_cast<std::size_t>(input)] = true;
  std::vector<int> found;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& n = graph.nodes[i];
    if (is_read[i] && n.op == Op::convolution && n.groups == 1 && n.weight.size(1) >= fewest_channels)
      found.push_back(static_cast<int>(i));
  }
  return found;
}

Int8Results calibrate(Graph& graph, const Tensor& pictures) {
  const torch::NoGradGuard no_grad;
  constexpr double most = 127;
  const std::vector<int> chosen = int8_candidates(graph);
  Walk exact(graph, pictures), small(graph, pictures);
  for (int i = 1; i < static_cast<int>(graph.nodes.size()); ++i) {
    Node& n = graph.nodes[static_cast<std::size_t>(i)];
    const Tensor expected = exact.result(i);
    if (!std::binary_search(chosen.begin(), chosen.end(), i)) {
      small.set(i, small.result(i));
    } else {
      // What earlier layers lost is part of what this one's correction makes up for.
      n.scale_in = best_scale(exact.value(n.inputs[0]));
      const Tensor input = rounded(small.value(n.inputs[0]), n.scale_in);
      n.correction = torch::zeros({n.channels});
      n.correction =
          exact.result(i, bare(n)).mean({0, 2, 3}) - small.result(i, bare(in_int8(n, most)), input).mean({0, 2, 3});
      small.set(i, small.result(i, in_int8(n, most), input));
    }
    exact.set(i, expected);
  }
  return {exact.value(graph.output()), small.value(graph.output())};
}

Tensor simulated(const Graph& graph, const Tensor& pictures, double largest) {
  const torch::NoGradGuard no_grad;
  Walk walk(graph, pictures);
  for (int i = 1; i < static_cast<int>(graph.nodes.size()); ++i) {
    const Node& n = graph.nodes[static_cast<std::size_t>(i)];
    const bool small = largest > 0 && n.scale_in.used();
    walk.set(
        i, small ? walk.result(i, in_int8(n, largest), rounded(walk.value(n.inputs[0]), n.scale_in)) : walk.result(i));
  }
  return walk.value(graph.output());
}

std::string int8_record(const Graph& graph) {
  nlohmann::json layers = nlohmann::json::array();
  for (const int i : int8_candidates(graph)) {
    const Node& n = graph.nodes[static_cast<std::size_t>(i)];
    nlohmann::json correction = nlohmann::json::array();
    for (std::int64_t c = 0; c < n.correction.size(0); ++c) correction.push_back(n.correction[c].item<float>());
    layers.push_back({{"step", n.scale_in.step}, {"zero", n.scale_in.zero}, {"correction", correction}});
  }
  return nlohmann::json{{"layers", layers}}.dump();
}

void apply_int8_record(Graph& graph, const std::string& text) {
  const auto refuse = [] {
    fail(ErrorKind::model, "its int8 record doesn't fit the network; make it again: ganvas model quantize");
  };
  const auto record = nlohmann::json::parse(text, nullptr, false);
  const std::vector<int> places = int8_candidates(graph);
  if (!record.is_object() || !record.contains("layers") || record["layers"].size() != places.size()) refuse();
  try {
    for (std::size_t k = 0; k < places.size(); ++k) {
      Node& n = graph.nodes[static_cast<std::size_t>(places[k])];
      const auto& layer = record["layers"][k];
      n.scale_in = {layer.at("step").get<double>(), layer.at("zero").get<int>()};
      const auto correction = layer.at("correction").get<std::vector<float>>();
      if (!n.scale_in.used() || !std::isfinite(n.scale_in.step) || n.scale_in.zero < 0 ||
          n.scale_in.zero > values_of_a_byte || static_cast<int>(correction.size()) != n.channels)
        refuse();
      n.correction = torch::tensor(correction);
    }
  } catch (const nlohmann::json::exception&) {
    refuse();
  }
}

}  // namespace ganvas::engine
