#include "ganvas/nn/weights.hpp"

#include <torch/torch.h>

#include <set>

#include "ganvas/core/error.hpp"
#include "nn/shape_text.hpp"

namespace ganvas {

StateDict state_dict_of(const torch::nn::Module& module) {
  StateDict weights;
  for (const auto& item : module.named_parameters()) weights.set(item.key(), item.value().detach());
  for (const auto& item : module.named_buffers()) weights.set(item.key(), item.value().detach());
  return weights;
}

void load_state_dict(torch::nn::Module& module, const StateDict& weights, const std::string& name) {
  const torch::NoGradGuard no_grad;
  std::set<std::string> used;
  auto copy_in = [&](const std::string& key, torch::Tensor target) {
    const torch::Tensor* source = weights.find(key);
    if (!source && key.ends_with("num_batches_tracked")) return;  // counts training steps, and changes nothing
    if (!source) fail(ErrorKind::model, "{}: weight '{}' is missing", name, key);
    if (source->sizes() != target.sizes())
      fail(ErrorKind::model, "{}: weight '{}' has shape {}, expected {}", name, key, shape_text(*source),
           shape_text(target));
    target.copy_(*source);
    used.insert(key);
  };
  for (const auto& item : module.named_parameters()) copy_in(item.key(), item.value());
  for (const auto& item : module.named_buffers()) copy_in(item.key(), item.value());
  for (const auto& [key, tensor] : weights)
    if (!used.contains(key)) fail(ErrorKind::model, "{}: unexpected weight '{}' {}", name, key, shape_text(tensor));
}

void freeze(torch::nn::Module& module) {
  module.eval();
  for (auto& parameter : module.parameters()) parameter.set_requires_grad(false);
}

}  // namespace ganvas
