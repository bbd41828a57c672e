#include "ganvas/nn/style_network.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/lower_case.hpp"
#include "ganvas/nn/padding.hpp"
#include "ganvas/nn/weights.hpp"
#include "nn/described.hpp"
#include "nn/plugins.hpp"

namespace ganvas {

torch::Tensor padded_for(const StyleNetworkInfo& info, const torch::Tensor& pictures) {
  const bool tiny = std::min(pictures.size(2), pictures.size(3)) < info.smallest();
  return pad_to_multiple(tiny ? pad_up_to(pictures, info.smallest()) : pictures, info.cell);
}

torch::Tensor StyleNetwork::forward(const torch::Tensor& pictures, const StyleCode& code) {
  torch::Tensor x = encode(padded_for(info(), pictures));
  const std::vector<StyleStep> steps = info().steps;
  for (int i = 0; i < static_cast<int>(steps.size()); ++i)
    x = apply(i, x, observe(observed(i, x), steps[static_cast<std::size_t>(i)].observes), code);
  return cut_to(decode(x), pictures, 1);
}

StyleCode blended(const std::vector<std::pair<StyleCode, double>>& codes) {
  if (codes.size() == 1 && codes.front().second == 1) return codes.front().first;
  StyleCode sum;
  for (const auto& [code, share] : codes)
    for (const auto& [name, values] : code) {
      torch::Tensor& total = sum[name];
      total = total.defined() ? total + values * share : values * share;
    }
  return sum;
}

const Registry<StyleNetworkPlugin>& style_network_plugins() {
  static const Registry<StyleNetworkPlugin> plugins("style network", all_style_network_plugins());
  return plugins;
}

StyleNetworkPtr make_style_network(const std::string& architecture, const nlohmann::json& config) {
  return style_network_plugins().at(architecture).make(config);
}

namespace {

using NamedFiles = std::vector<std::pair<std::string, ModelFile>>;

std::string stem_of(const std::string& name) { return lower_case(std::filesystem::path(name).filename().string()); }

/// An encoder that a decoder could be fed with, but not the one that it learnt with: torchvision's names, or bare
/// indices without the first convolution that normalises the picture.
bool is_other_vgg(const StateDict& weights) {
  const torch::Tensor* first = weights.find("features.0.weight");
  if (!first) first = weights.find("0.weight");
  return first && first->dim() == 4 && first->size(1) == 3 && first->size(2) == 3;
}

StyleNetworkPtr loaded_style_network(const Described& said, std::int64_t stored, const std::string& name) {
  StyleNetworkPtr network = build_described(said, stored, name, make_style_network);
  load_state_dict(*network, said.network.weights, name);
  freeze(*network);
  return network;
}

/// The plug-in and part of a published file.
std::pair<const StyleNetworkPlugin*, std::string> published_part(const std::string& name, const StateDict& weights) {
  for (const auto& plugin : style_network_plugins())
    if (plugin.part_of)
      if (std::string part = plugin.part_of(weights, stem_of(name)); !part.empty()) return {&plugin, std::move(part)};
  return {nullptr, ""};
}

/// The parts under the names of their modules, by the network that they are parts of; empty for a single file that is
/// none.
std::map<const StyleNetworkPlugin*, StateDict> joined(const NamedFiles& files) {
  std::map<const StyleNetworkPlugin*, StateDict> networks;
  std::map<std::string, std::string> seen;
  for (const auto& [name, file] : files) {
    const auto [plugin, part] = published_part(name, file.weights);
    if (!plugin && files.size() == 1) return {};
    if (!plugin && is_other_vgg(file.weights))
      fail(ErrorKind::model,
           "{}: not the normalised VGG that the decoder was made for (vgg_normalised.pth, whose first layer is a "
           "convolution of 1x1)",
           name);
    if (!plugin) fail(ErrorKind::model, "{}: no part of a style network that is known", name);
    if (const auto [other, fresh] = seen.try_emplace(plugin->name + " " + part, name); !fresh)
      fail(ErrorKind::model, "{} and {} are both the {} of {}", other->second, name, part.substr(0, part.size() - 1),
           plugin->name);
    for (const auto& [key, tensor] : file.weights) networks[plugin].set(part + key, tensor);
  }
  return networks;
}

/// The only network of which all parts are there: a folder may hold the VGG of a training's loss beside.
Described complete_one(const std::map<const StyleNetworkPlugin*, StateDict>& networks, const std::string& name) {
  std::string missing;
  for (const auto& [plugin, weights] : networks) try {
      if (auto found = plugin->detect(weights)) return {plugin->name, std::move(*found)};
    } catch (const Error& error) {
      missing = fmt::format("{}: looks like {}, but {}", name, plugin->name, error.what());
    }
  fail(ErrorKind::model, "{}", missing.empty() ? name + ": no whole style network" : missing);
}

}  // namespace

StyleNetworkPtr style_network_from(const NamedFiles& files) {
  if (files.empty()) return nullptr;
  const std::string& name = files.front().first;
  if (files.size() == 1) {
    const ModelFile& file = files.front().second;
    if (const auto said = described(file)) {
      if (!style_network_plugins().find(said->architecture)) return nullptr;
      return loaded_style_network(*said, file.weights.element_count(), name);
    }
    if (auto found = style_network_plugins().recognise(file.weights, name))
      return loaded_style_network({found->first->name, std::move(found->second)}, file.weights.element_count(), name);
  }
  const auto networks = joined(files);
  if (networks.empty()) return nullptr;
  const Described said = complete_one(networks, name);
  return loaded_style_network(said, said.network.weights.element_count(), name);
}

namespace {

/// Of a folder: what isn't a part of a network is passed over, where there is one at all.
NamedFiles model_files_in(const std::filesystem::path& folder) {
  NamedFiles all, parts;
  for (const auto& file : list_files(folder, false)) {
    const std::string extension = file.extension().string();
    if (extension == ".pth" || extension == ".pt" || extension == ".tar" || extension == ".safetensors")
      all.emplace_back(file.string(), read_model_file(file));
  }
  if (all.empty()) fail(ErrorKind::model, "{}: no model files in this folder", folder.string());
  for (const auto& file : all)
    if (published_part(file.first, file.second.weights).first) parts.push_back(file);
  return parts.empty() ? all : parts;
}

}  // namespace

StyleNetworkPtr load_style_network(const std::vector<std::filesystem::path>& paths) {
  NamedFiles files;
  for (const auto& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.emplace_back(path.string(), read_model_file(path));
      continue;
    }
    for (auto& file : model_files_in(path)) files.push_back(std::move(file));
  }
  return style_network_from(files);
}

void save_style_network(const std::filesystem::path& path, const StyleNetwork& network,
                        const std::map<std::string, std::string>& extra, bool half) {
  write_model_file(path, described_file(network, extra, half));
}

namespace {

/// The same for the same weights, and hardly ever for others.
std::string mark_of(const StyleNetwork& network) {
  double sum = 0;
  std::int64_t place = 0;
  for (const auto& [key, tensor] : state_dict_of(network)) {
    if (!tensor.is_floating_point()) continue;
    const torch::Tensor flat = tensor.detach().to(torch::kCPU).to(torch::kDouble).contiguous().flatten();
    sum += (flat * torch::arange(1, flat.numel() + 1, torch::kDouble).remainder(97)).sum().item<double>() *
           static_cast<double>(++place);
  }
  return fmt::format("{} {:.6g}", network.architecture(), sum);
}

constexpr const char* mark_key = "ganvas.style_of";

}  // namespace

void save_style_code(const std::filesystem::path& path, const StyleNetwork& network, const StyleCode& code) {
  ModelFile file;
  for (const auto& [name, values] : code) file.weights.set(name, values.to(torch::kCPU, torch::kFloat).contiguous());
  file.metadata[mark_key] = mark_of(network);
  write_model_file(path, file);
}

StyleCode load_style_code(const std::filesystem::path& path, const StyleNetwork& network) {
  const ModelFile file = read_model_file(path);
  const std::string mark = file.text(mark_key), own = mark_of(network);
  if (mark.empty()) fail(ErrorKind::model, "{}: neither a picture nor a saved style", path.string());
  if (mark != own)
    fail(ErrorKind::model, "{}: the style of another network ({}, this one is {})", path.string(), mark, own);
  // Shapes as this network makes them.
  const torch::NoGradGuard no_grad;
  const int side = network.info().smallest();
  const StyleCode expected = const_cast<StyleNetwork&>(network).encode_style(
      torch::zeros({1, 3, side, side}, network.parameters().front().options()));
  StyleCode code;
  for (const auto& [name, values] : expected) {
    const torch::Tensor* stored = file.weights.find(name);
    if (!stored || stored->sizes() != values.sizes() || !stored->isfinite().all().item<bool>())
      fail(ErrorKind::model, "{}: its '{}' is missing or damaged", path.string(), name);
    code[name] = stored->to(values.options());
  }
  return code;
}

}  // namespace ganvas
