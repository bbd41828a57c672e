#include "ganvas/loss/patch_nce.hpp"

#include <torch/torch.h>

#include <fmt/format.h>

namespace ganvas {

namespace nn = torch::nn;
using torch::Tensor;

PatchProjection::PatchProjection(const std::vector<int>& channels, int width) {
  for (std::size_t i = 0; i < channels.size(); ++i)
    layers_.push_back(register_module(fmt::format("mlp_{}", i), nn::Sequential(nn::Linear(channels[i], width),
                                                                               nn::ReLU(), nn::Linear(width, width))));
}

Tensor PatchProjection::project(std::size_t layer, const Tensor& features, const Tensor& places) {
  const Tensor patches = features.flatten(2).index_select(2, places).transpose(1, 2);
  return torch::nn::functional::normalize(layers_.at(layer)->forward(patches).to(torch::kFloat),
                                          torch::nn::functional::NormalizeFuncOptions().dim(2).eps(1e-7));
}

Tensor random_places(std::int64_t size, std::int64_t count, torch::Device device) {
  return torch::randperm(size, torch::TensorOptions().dtype(torch::kLong))
      .narrow(0, 0, std::min(size, count))
      .to(device);
}

Tensor patch_nce(const Tensor& queries, const Tensor& keys, double temperature) {
  const std::int64_t places = queries.size(1);
  // All places of one picture against each other; the right answer lies on the diagonal.
  const Tensor logits = torch::bmm(queries, keys.detach().transpose(1, 2)) / temperature;
  const Tensor answers = torch::arange(places, torch::TensorOptions().dtype(torch::kLong).device(queries.device()));
  return torch::nn::functional::cross_entropy(logits.flatten(0, 1), answers.repeat({queries.size(0)}));
}

}  // namespace ganvas
