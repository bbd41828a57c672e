#include "nn/described.hpp"

#include <torch/torch.h>

#include "ganvas/core/bounded_json.hpp"

namespace ganvas {

std::optional<Described> described(const ModelFile& file) {
  const auto name = file.metadata.find("ganvas.architecture");
  const auto config = file.metadata.find("ganvas.config");
  if (name == file.metadata.end() || config == file.metadata.end()) return std::nullopt;
  auto parsed = bounded_json(config->second);
  if (!parsed) return std::nullopt;
  return Described{name->second, {std::move(*parsed), file.weights, "ganvas"}};
}

void describe(ModelFile& file, const std::string& architecture, const nlohmann::json& config) {
  file.metadata["format"] = "pt";
  file.metadata["ganvas.architecture"] = architecture;
  file.metadata["ganvas.config"] = config.dump();
}

StateDict stored_weights(const torch::nn::Module& network, bool half) {
  StateDict weights;
  for (const auto& [key, tensor] : state_dict_of(network)) {
    torch::Tensor stored = tensor.to(torch::kCPU);
    if (half && stored.is_floating_point()) stored = stored.to(torch::kHalf);
    weights.set(key, stored.contiguous());
  }
  return weights;
}

}  // namespace ganvas
