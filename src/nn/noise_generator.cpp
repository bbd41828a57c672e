#include "ganvas/nn/noise_generator.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/bounded_json.hpp"
#include "ganvas/core/error.hpp"
#include "nn/described.hpp"
#include "nn/plugins.hpp"

namespace ganvas {

torch::Tensor NoiseGenerator::at_level(const torch::Tensor&, int, double) {
  fail(ErrorKind::recipe, "generator.architecture: {} doesn't grow; take progressive", architecture());
}

std::vector<std::pair<std::string, torch::Tensor>> NoiseGenerator::noise_planes() const {
  std::vector<std::pair<std::string, torch::Tensor>> planes;
  for (const auto& buffer : named_buffers())
    if (buffer.key().ends_with("noise_const")) planes.emplace_back(buffer.key(), buffer.value());
  return planes;
}

torch::Tensor truncated(const torch::Tensor& styles, const torch::Tensor& mean, double psi, int cutoff) {
  const std::int64_t layers = styles.size(1);
  const std::int64_t changed = cutoff < 0 ? layers : std::min<std::int64_t>(cutoff, layers);
  const torch::Tensor first = torch::lerp(mean.view({1, 1, -1}).expand({styles.size(0), changed, styles.size(2)}),
                                          styles.narrow(1, 0, changed), psi);
  return torch::cat({first, styles.narrow(1, changed, layers - changed)}, 1);
}

const Registry<NoiseGeneratorPlugin>& noise_generator_plugins() {
  static const Registry<NoiseGeneratorPlugin> plugins("generator from noise", all_noise_generator_plugins());
  return plugins;
}

NoiseGeneratorPtr make_noise_generator(const std::string& architecture, const nlohmann::json& config) {
  return noise_generator_plugins().at(architecture).make(config);
}

namespace {

NoiseGeneratorPtr loaded(const Described& said, std::int64_t stored, const std::string& name) {
  NoiseGeneratorPtr network = build_described(said, stored, name, make_noise_generator);
  load_state_dict(*network, said.network.weights, name);
  freeze(*network);
  return network;
}

std::vector<std::string> class_names_of(const ModelFile& file, int classes) {
  const auto named = bounded_json(file.text("ganvas.classes"));
  std::vector<std::string> names;
  for (int i = 0; i < classes; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool known = named && named->is_array() && at < named->size() && (*named)[at].is_string();
    names.push_back(known ? (*named)[at].get<std::string>() : fmt::format("{}", i));
  }
  return names;
}

}  // namespace

NoiseGeneratorPtr noise_generator_from(const StateDict& weights, const std::string& name) {
  auto found = noise_generator_plugins().recognise(weights, name);
  if (!found) return nullptr;
  return loaded({found->first->name, std::move(found->second)}, weights.element_count(), name);
}

void save_noise_generator(const std::filesystem::path& path, const NoiseGenerator& network,
                          const std::vector<std::string>& class_names,
                          const std::map<std::string, std::string>& extra) {
  ModelFile file = described_file(network, extra);
  if (!class_names.empty()) file.metadata["ganvas.classes"] = nlohmann::json(class_names).dump();
  write_model_file(path, file);
}

std::optional<LoadedNoiseGenerator> noise_generator_from(const ModelFile& file, const std::string& name) {
  const auto said = described(file);
  const bool ours = said && noise_generator_plugins().find(said->architecture);
  NoiseGeneratorPtr network =
      ours ? loaded(*said, file.weights.element_count(), name) : noise_generator_from(file.weights, name);
  if (!network) return std::nullopt;
  const int classes = network->info().classes;
  return LoadedNoiseGenerator{std::move(network), class_names_of(file, classes)};
}

LoadedNoiseGenerator load_noise_generator(const std::filesystem::path& path) {
  auto model = noise_generator_from(read_model_file(path), path.string());
  if (!model)
    fail(ErrorKind::model, "{}: makes no pictures from noise; known: {}", path.string(),
         fmt::join(noise_generator_plugins().names(), ", "));
  return std::move(*model);
}

}  // namespace ganvas
