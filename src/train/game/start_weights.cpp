#include "train/game/start_weights.hpp"

#include <torch/torch.h>

#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/format/model_file.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

/// Weights that the recipe fixes, such as a slope for all layers.
std::set<std::string> fixed_weights(const torch::nn::Module& network) {
  std::set<std::string> fixed;
  for (const auto& parameter : network.named_parameters())
    if (!parameter.value().requires_grad()) fixed.insert(parameter.key());
  return fixed;
}

StateDict below(const StateDict& weights, const std::string& prefix) {
  StateDict found;
  for (const auto& [key, tensor] : weights)
    if (key.starts_with(prefix)) found.set(key.substr(prefix.size()), tensor);
  return found;
}

}  // namespace

void start_from(torch::nn::Module& network, const StateDict& weights, const std::string& file, const std::string& ours,
                const std::string& theirs) {
  const torch::NoGradGuard no_grad;
  std::vector<std::pair<Tensor, const Tensor*>> fitting;
  const std::set<std::string> fixed = fixed_weights(network);
  int total = 0, taken = 0, changed = 0;
  for (const auto& [key, value] : state_dict_of(network)) {
    ++total;
    const Tensor* weight = weights.find(key);
    if (!weight || weight->sizes() != value.sizes()) continue;
    ++taken;
    if (!fixed.contains(key)) fitting.emplace_back(value, weight);
    else changed += !torch::allclose(*weight, value.to(weight->scalar_type()), 1e-5, 1e-6);
  }
  if (2 * taken < total)
    fail(ErrorKind::model,
         "{}: only {} of the {} weights of the recipe's network are in there: that is {}, the file {}", file, taken,
         total, ours, theirs);
  for (auto& [value, weight] : fitting) value.copy_(*weight);
  log(LogLevel::info, "{} of {} weights start from {}", taken, total, file);
  if (changed > 0)
    log(LogLevel::warning,
        "{} of these are fixed by the recipe (generator.slope) and other than the file's: the start is another "
        "function",
        changed);
}

StateDict discriminator_weights(const std::string& file, const std::string& name) {
  if (file.ends_with(".safetensors")) {
    const StateDict all = read_safetensors(file).tensors;
    for (const std::string& network : {name, std::string("discriminator")})
      if (StateDict found = below(all, "network/" + network + "/"); found.size() > 0) return found;
  }
  const StateDict weights = read_model_file(file).weights;
  if (const DiscriminatorPtr published = discriminator_from(weights, file)) return state_dict_of(*published);
  return weights;
}

int freeze_layers(torch::nn::Module& network, std::int64_t count) {
  std::set<std::string> layers;
  for (const auto& parameter : network.named_parameters()) {
    layers.insert(parameter.key().substr(0, parameter.key().rfind('.')));
    if (static_cast<std::int64_t>(layers.size()) <= count) parameter.value().set_requires_grad(false);
  }
  return static_cast<int>(layers.size());
}

}  // namespace ganvas
