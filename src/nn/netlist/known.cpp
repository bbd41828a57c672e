// Graphs of known architectures: their weights, taken in the graph's order, under the names that they have in a state
// dict. Whether the guess is right shows a comparison of results.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/noise_picture.hpp"
#include "nn/described.hpp"
#include "nn/netlist/graph_file.hpp"

namespace ganvas::netlist {

namespace {

using torch::Tensor;
using Names = std::vector<std::string>;

/// What a layer with weights has: a convolution's kernel and bias, or slopes.
struct Layer {
  Tensor weight, bias;
};

/// `leaks`: leaky ReLUs count as equal slopes of all channels.
std::vector<Layer> layers_of(const Netlist& list, bool leaks) {
  std::vector<Layer> layers;
  for (const Operation& one : list.operations) {
    if (leaks && one.op == "LeakyRelu" && !layers.empty() && layers.back().weight.dim() == 4) {
      const double slope = one.attributes.value("alpha", 0.01);
      layers.push_back({torch::full({layers.back().weight.size(0)}, slope), {}});
      continue;
    }
    const bool convolution = one.op == "Conv" || one.op == "ConvTranspose";
    if (!convolution && one.op != "PRelu") continue;
    const auto constant = [&](std::size_t i) -> Tensor {
      const Tensor* found = i < one.inputs.size() ? list.constants.find(one.inputs[i]) : nullptr;
      return found ? *found : Tensor();
    };
    Tensor weight = constant(1);
    if (!weight.defined()) return {};
    layers.push_back({convolution ? weight : weight.flatten(), constant(2)});
  }
  return layers;
}

Names compact_names(std::size_t count) {
  Names names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("body.{}", i));
  return names;
}

Names waifu2x_names(std::size_t count) {
  Names names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("net.{}", 2 * i));
  return names;
}

Names rrdb_names(std::size_t count) {
  Names names{"conv_first"};
  constexpr std::size_t a_block = 15, around = 6;
  if (count < a_block + around || (count - around) % a_block != 0) return {};
  for (std::size_t block = 0; block < (count - around) / a_block; ++block)
    for (int dense = 1; dense <= 3; ++dense)
      for (int conv = 1; conv <= 5; ++conv) names.push_back(fmt::format("body.{}.rdb{}.conv{}", block, dense, conv));
  names.insert(names.end(), {"conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"});
  return names;
}

Names cugan_names(std::size_t) {
  Names names;
  const auto add = [&](const std::string& net, std::initializer_list<const char*> layers) {
    for (const char* layer : layers) names.push_back(net + layer);
  };
  add("unet1.", {"conv1.conv.0", "conv1.conv.2", "conv1_down", "conv2.conv.0", "conv2.conv.2", "conv2.seblock.conv1",
                 "conv2.seblock.conv2", "conv2_up", "conv3", "conv_bottom"});
  add("unet2.", {"conv1.conv.0",        "conv1.conv.2",        "conv1_down", "conv2.conv.0", "conv2.conv.2",
                 "conv2.seblock.conv1", "conv2.seblock.conv2", "conv2_down", "conv3.conv.0", "conv3.conv.2",
                 "conv3.seblock.conv1", "conv3.seblock.conv2", "conv3_up",   "conv4.conv.0", "conv4.conv.2",
                 "conv4.seblock.conv1", "conv4.seblock.conv2", "conv4_up",   "conv5",        "conv_bottom"});
  return names;
}

/// The state dict that these names make of the layers; empty where they are too many or too few.
StateDict named(const std::vector<Layer>& layers, const Names& names) {
  StateDict weights;
  if (names.size() != layers.size()) return weights;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    weights.set(names[i] + ".weight", layers[i].weight);
    if (layers[i].bias.defined()) weights.set(names[i] + ".bias", layers[i].bias);
  }
  return weights;
}

/// Largest difference, relative to the largest value; infinite where the sizes differ.
double difference(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

Tensor trial_picture(const GeneratorInfo& info) {
  const std::int64_t side = std::max<std::int64_t>(32, info.multiple);
  return noise_picture(info.in_channels, side, side + info.multiple);
}

}  // namespace

Known known_network(const Netlist& list, Network& network, bool repeated_edge) {
  constexpr double tolerance = 1e-4;
  const Tensor picture = trial_picture(network.info()), result = network.forward(picture);
  for (const auto names : {compact_names, waifu2x_names, rrdb_names, cugan_names}) {
    const std::vector<Layer> layers = layers_of(list, names == compact_names);
    const StateDict weights = named(layers, names(layers.size()));
    if (weights.empty()) continue;
    try {
      const auto found = generator_plugins().recognise(weights, "the graph");
      if (!found) continue;
      nlohmann::json config = found->second.config;
      if (config.contains("repeated_edge")) config["repeated_edge"] = repeated_edge;
      const GeneratorPtr known = found->first->make(config);
      load_state_dict(*known, found->second.weights, "the graph");
      known->weights_changed();
      freeze(*known);
      known->eval();
      const Tensor same = known->forward(picture);
      if (difference(same, result) <= tolerance) return {known, false};
      if (difference(same, result.clamp(0, 1)) <= tolerance) return {known, true};
    } catch (const Error& error) {
      // Another architecture, whose weights happen to have names of this one.
      if (error.kind() != ErrorKind::model && error.kind() != ErrorKind::recipe) throw;
    }
  }
  return {};
}

}  // namespace ganvas::netlist
