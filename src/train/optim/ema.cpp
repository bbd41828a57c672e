#include "train/optim/ema.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/nn/registry.hpp"

namespace ganvas {

namespace {

StateDict clone_of(const torch::nn::Module& network) {
  StateDict copy;
  for (const auto& [key, tensor] : state_dict_of(network)) copy.set(key, tensor.clone());
  return copy;
}

}  // namespace

double EmaPace::at(std::int64_t steps) const {
  const auto count = static_cast<double>(steps);
  if (!by_half_life()) return std::min(decay, (1.0 + count) / (10.0 + count));
  const auto pictures = static_cast<double>(batch);
  const double now = half_life.at(steps - 1);
  const double life = ramp_up > 0 ? std::min(now, count * pictures * ramp_up) : now;
  return std::pow(0.5, pictures / std::max(life, 1e-8));
}

Ema::Ema(std::shared_ptr<torch::nn::Module> network, const EmaPace& pace)
    : network_(std::move(network)), pace_(pace), average_(clone_of(*network_)) {}

void Ema::update(std::int64_t steps) {
  const torch::NoGradGuard no_grad;
  const double decay = pace_.at(steps);
  for (const auto& item : network_->named_parameters()) {
    torch::Tensor average = average_.at(item.key());
    average.lerp_(item.value(), 1.0 - decay);
  }
  for (const auto& item : network_->named_buffers()) {
    torch::Tensor average = average_.at(item.key());
    average.copy_(item.value());
  }
}

void Ema::restore(const StateDict& average, const std::string& name) {
  Scope scope(*this);  // checks names and shapes by loading into the network
  load_state_dict(*network_, average, name);
  average_ = clone_of(*network_);
}

Ema::Scope::Scope(const Ema& ema) : ema_(ema), kept_(clone_of(*ema.network_)) {
  load_state_dict(*ema.network_, ema.average_, "moving average");
}

Ema::Scope::~Scope() { load_state_dict(*ema_.network_, kept_, "kept weights"); }

}  // namespace ganvas
