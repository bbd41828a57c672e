#include "train/optimiser.hpp"

#include <torch/torch.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

std::unique_ptr<torch::optim::Optimizer> make(Recipe& recipe, const std::string& prefix, double rate,
                                              const std::vector<torch::Tensor>& parameters) {
  const std::string type = recipe.choice(prefix + ".type", "adam", {"adam", "adamw", "rmsprop"});
  const double decay = recipe.number(prefix + ".weight_decay", 0.0, 0.0, 1.0);
  const double epsilon = recipe.number(prefix + ".eps", 1e-8, 0.0, 1.0);
  if (type == "rmsprop")
    return std::make_unique<torch::optim::RMSprop>(parameters,
                                                   torch::optim::RMSpropOptions(rate).weight_decay(decay).eps(epsilon));
  const auto betas = std::make_tuple(recipe.number(prefix + ".beta1", 0.9, 0.0, 1.0),
                                     recipe.number(prefix + ".beta2", 0.99, 0.0, 1.0));
  if (type == "adamw")
    return std::make_unique<torch::optim::AdamW>(
        parameters, torch::optim::AdamWOptions(rate).betas(betas).weight_decay(decay).eps(epsilon));
  return std::make_unique<torch::optim::Adam>(
      parameters, torch::optim::AdamOptions(rate).betas(betas).weight_decay(decay).eps(epsilon));
}

}  // namespace

Optimiser::Optimiser(Recipe& recipe, const std::string& phase, std::vector<torch::Tensor> parameters,
                     std::int64_t steps)
    : parameters_(std::move(parameters)) {
  const std::string prefix = "optimiser." + phase;
  rate_ = recipe.number(prefix + ".lr", 2e-4, 0.0, 1e6);
  clip_ = recipe.number(prefix + ".clip", 0.0, 0.0, 1e12);
  optimiser_ = make(recipe, prefix, rate_, parameters_);
  schedule_ = Schedule::from_recipe(recipe, prefix, steps);
}

void Optimiser::zero_grad() { optimiser_->zero_grad(); }

double Optimiser::step(std::int64_t step) {
  const double limit = clip_ > 0 ? clip_ : std::numeric_limits<double>::infinity();
  const double norm = torch::nn::utils::clip_grad_norm_(parameters_, limit);
  if (!std::isfinite(norm)) return norm;
  for (auto& group : optimiser_->param_groups()) group.options().set_lr(rate(step));
  optimiser_->step();
  return norm;
}

torch::Tensor Optimiser::state() const {
  torch::serialize::OutputArchive archive;
  optimiser_->save(archive);
  std::ostringstream stream;
  archive.save_to(stream);
  const std::string text = stream.str();
  torch::Tensor bytes = torch::empty({static_cast<std::int64_t>(text.size())}, torch::kByte);
  std::memcpy(bytes.data_ptr(), text.data(), text.size());
  return bytes;
}

void Optimiser::restore(const torch::Tensor& bytes, const std::string& name) {
  try {
    std::istringstream stream(std::string(static_cast<const char*>(bytes.data_ptr()), bytes.numel()));
    torch::serialize::InputArchive archive;
    archive.load_from(stream);
    optimiser_->load(archive);
  } catch (const c10::Error&) {
    fail(ErrorKind::model, "{}: the optimiser's state can't be read", name);
  }
}

}  // namespace ganvas
