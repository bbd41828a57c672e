#include "nn/netlist/ncnn_translation.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "nn/netlist/ncnn_layers.hpp"

namespace ganvas::netlist {

using torch::Tensor;

void NcnnTranslation::add(const NcnnLayer& layer) {
  if (layer.outputs.empty()) layer.refuse("gives nothing");
  if (layer.type == "Input") {
    if (!list.input.empty()) layer.refuse("a second picture, where ganvas knows networks of one");
    list.input = layer.outputs[0];
    return;
  }
  const NcnnFunction translate = find_ncnn_layer(layer.type);
  if (!translate) layer.refuse("is not known to ganvas");
  translate(*this, layer);
  // Operators on vectors alone give vectors.
  const bool of_vectors =
      !layer.inputs.empty() &&
      std::all_of(layer.inputs.begin(), layer.inputs.end(), [&](const auto& name) { return vectors.contains(name); });
  if (of_vectors) vectors.insert(layer.outputs.begin(), layer.outputs.end());
}

void NcnnTranslation::give(const NcnnLayer& layer, const char* op, const std::vector<std::string>& inputs,
                           const nlohmann::json& attributes) {
  list.operations.push_back({op, layer.name, inputs, {layer.outputs.at(0)}, attributes});
}

std::string NcnnTranslation::between(const NcnnLayer& layer, const char* op, const std::vector<std::string>& inputs,
                                     const nlohmann::json& attributes) {
  const std::string value = fmt::format("{}#{}", layer.outputs.at(0), count_++);
  list.operations.push_back({op, layer.name, inputs, {value}, attributes});
  return value;
}

std::string NcnnTranslation::constant(const Tensor& values) {
  const std::string name = fmt::format("#{}", count_++);
  list.constants.set(name, values);
  return name;
}

std::string NcnnTranslation::input(const NcnnLayer& layer, std::size_t i) const {
  if (i >= layer.inputs.size()) layer.refuse(fmt::format("takes {} values, not {}", layer.inputs.size(), i + 1));
  const auto found = aliases_.find(layer.inputs[i]);
  return found == aliases_.end() ? layer.inputs[i] : found->second;
}

void NcnnTranslation::pass_on(const NcnnLayer& layer) {
  const std::string from = input(layer, 0);
  for (const std::string& output : layer.outputs) {
    if (!aliases_.emplace(output, from).second) layer.refuse(fmt::format("gives '{}' once more", shown(output)));
    if (vectors.contains(from)) vectors.insert(output);
  }
}

void NcnnTranslation::activated(const NcnnLayer& layer, const std::string& value) {
  const auto* given = layer.array(10);
  const auto parameter = [&](std::size_t i, double fallback) {
    return given && i < given->size() ? (*given)[i] : fallback;
  };
  switch (layer.bounded(9, 0, 0, 6)) {
    case 0:
      list.operations.back().outputs = {layer.outputs.at(0)};
      return;
    case 1:
      return give(layer, "Relu", {value});
    case 2:
      return give(layer, "LeakyRelu", {value}, {{"alpha", parameter(0, 0.01)}});
    case 3:
      return give(layer, "Clip", {value}, {{"min", parameter(0, -3.4e38)}, {"max", parameter(1, 3.4e38)}});
    case 4:
      return give(layer, "Sigmoid", {value});
    case 5:
      return give(layer, "Mish", {value});
    case 6:
      return give(layer, "HardSwish", {value}, {{"alpha", parameter(0, 0.2)}, {"beta", parameter(1, 0.5)}});
    default:
      layer.refuse("an activation that is not known to ganvas");
  }
}

}  // namespace ganvas::netlist
