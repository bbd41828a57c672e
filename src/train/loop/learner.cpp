#include "train/loop/learner.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"
#include "train/loop/pointless.hpp"

namespace ganvas {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What isn't read as a number that may move can't.
void check_annealed(const Recipe& recipe) {
  recipe.check_all_read("anneal.");
  const auto given = recipe.given();
  const auto moves = [](const std::string& key) { return key.starts_with("anneal.") && key != "anneal.kimg"; };
  if (!recipe.at_default("anneal.kimg") && std::none_of(given.begin(), given.end(), moves))
    fail(ErrorKind::recipe, "{}: anneal.kimg says how long, but no key of [anneal] says what is to move",
         recipe.name());
}

/// Sums of scalars and how many there were, for means over the batches of a step.
void add_mean(Scalars& sums, std::map<std::string, int>& counts, const Scalars& values) {
  for (const auto& [name, value] : values) {
    sums[name] += value;
    ++counts[name];
  }
}

}  // namespace

Learner::Learner(Recipe& recipe, const TrainSettings& settings, const TrainOptions& options, torch::Device device,
                 const Distributed& group)
    : group_(group),
      accumulation_(settings.accumulation),
      task_(make_task(recipe, settings, options, device, group.size())),
      phases_(task_->phases()),
      monitor_(recipe) {
  const auto networks = task_->networks();
  for (const auto& phase : phases_) {
    std::vector<torch::Tensor> parameters;
    for (const auto& network : networks)
      if (contains(phase.networks, network.name))
        for (const auto& parameter : network.module->parameters())
          if (parameter.requires_grad()) parameters.push_back(parameter);
    optimisers_.try_emplace(phase.name, recipe, phase.name, std::move(parameters), settings.steps,
                            settings.anneal_steps);
    factors_[phase.name] = 1;
    batches_per_step_ = std::max(batches_per_step_, phase.repeats * accumulation_);
  }
  for (const auto& network : networks)
    if (network.averaged && settings.ema.on()) averages_.try_emplace(network.name, network.module, settings.ema);
  refuse_pointless(recipe, settings.task);
  check_annealed(recipe);
}

/// Only the phase's own networks collect gradients; the others are passed through.
void Learner::set_learning(const Phase& phase) {
  if (phases_.size() == 1) return;
  for (const auto& [name, optimiser] : optimisers_)
    for (torch::Tensor parameter : optimiser.parameters()) parameter.set_requires_grad(name == phase.name);
}

void Learner::check_finite(const Phase& phase, const Scalars& scalars) const {
  const Scalars::value_type* bad = nullptr;
  for (const auto& item : scalars)
    if (!std::isfinite(item.second)) bad = &item;
  // All processes must agree, or some would wait for the others for ever.
  if (!group_.any(bad != nullptr)) return;
  if (bad) throw NotFinite{bad->first, phase.name, bad->second};
  throw NotFinite{"another process's loss", phase.name, NAN};
}

void Learner::run_phase(const Phase& phase, std::int64_t step, const std::vector<Batch>& batches, Scalars& scalars) {
  set_learning(phase);
  Optimiser& optimiser = optimisers_.at(phase.name);
  std::map<std::string, int> counts;
  Scalars sums;
  std::size_t next = 0;
  for (int repeat = 0; repeat < phase.repeats; ++repeat) {
    optimiser.zero_grad();
    for (int i = 0; i < accumulation_; ++i) {
      const Scalars values = task_->accumulate(phase, batches[next++], 1.0 / accumulation_);
      check_finite(phase, values);
      add_mean(sums, counts, values);
    }
    std::vector<torch::Tensor> gradients;
    if (group_.size() > 1)
      for (const auto& parameter : optimiser.parameters())
        if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    group_.mean(gradients);
    const double norm = optimiser.step(step, factors_.at(phase.name));
    if (!std::isfinite(norm)) throw NotFinite{"the gradient", phase.name, norm};
    task_->after_update(phase);
    add_mean(sums, counts, {{phase.name + ".gradient_norm", norm}});
  }
  for (const auto& [name, sum] : sums) scalars[name] = sum / counts.at(name);
}

Scalars Learner::step(std::int64_t step, const std::vector<Batch>& batches) {
  task_->begin_step(step);
  if (task_->begins_anew(step))
    for (auto& [name, optimiser] : optimisers_) optimiser.reset();
  Scalars scalars;
  for (const auto& phase : phases_)
    if (step % phase.interval == 0) run_phase(phase, step, batches, scalars);
  for (auto& [name, average] : averages_) average.update(step + 1);
  group_.mean(scalars);
  return scalars;
}

std::vector<Monitor::Finding> Learner::watch(std::int64_t step, const Scalars& scalars) {
  auto findings = monitor_.observe(step, scalars);
  for (const auto& finding : findings) {
    if (finding.action == "augment") task_->raise_augmentation(monitor_.augment_step());
    if (finding.action == "identity" || finding.action == "restart")
      task_->answer_inversion(finding.network, finding.action);
    if (finding.action != "lower-rate") continue;
    for (const auto& phase : phases_)
      if (phase.name == finding.network || contains(phase.networks, finding.network))
        factors_.at(phase.name) *= monitor_.rate_factor();
  }
  return findings;
}

void Learner::go_on_carefully(const Checkpoint& later, const std::string& name) {
  restore_trouble(later, name);
  for (auto& [name, factor] : factors_) factor *= monitor_.rate_factor();
}

Scalars Learner::rates(std::int64_t step) const {
  Scalars rates;
  for (const auto& [name, optimiser] : optimisers_) rates[name + ".rate"] = optimiser.rate(step) * factors_.at(name);
  return rates;
}

std::vector<std::unique_ptr<Ema::Scope>> Learner::averaged_weights() const {
  std::vector<std::unique_ptr<Ema::Scope>> scopes;
  for (const auto& [name, average] : averages_) scopes.push_back(std::make_unique<Ema::Scope>(average));
  return scopes;
}

void Learner::save_to(Checkpoint& checkpoint) const {
  for (const auto& network : task_->networks())
    checkpoint.add("network/" + network.name + "/", state_dict_of(*network.module));
  for (const auto& [name, average] : averages_) checkpoint.add("average/" + name + "/", average.average());
  for (const auto& [name, optimiser] : optimisers_) checkpoint.add("optimiser/" + name + "/", optimiser.state());
  checkpoint.add("task/", task_->state());
  checkpoint.facts["monitor"] = monitor_.state();
  checkpoint.facts["rate_factors"] = nlohmann::json(factors_).dump();
}

void Learner::restore(const Checkpoint& checkpoint, const std::string& name) {
  for (const auto& network : task_->networks())
    load_state_dict(*network.module, checkpoint.below("network/" + network.name + "/"), name);
  for (auto& [network, average] : averages_) average.restore(checkpoint.below("average/" + network + "/"), name);
  for (auto& [phase, optimiser] : optimisers_) optimiser.restore(checkpoint.below("optimiser/" + phase + "/"), name);
  task_->restore(checkpoint.below("task/"));
  restore_trouble(checkpoint, name);
}

void Learner::restore_trouble(const Checkpoint& checkpoint, const std::string& name) {
  monitor_.restore(checkpoint.fact("monitor", name), name);
  const auto factors = nlohmann::json::parse(checkpoint.fact("rate_factors", name), nullptr, false);
  for (auto& [phase, factor] : factors_) {
    if (!factors.is_object() || !factors.contains(phase) || !factors.at(phase).is_number())
      fail(ErrorKind::model, "{}: its rate factors can't be read", name);
    factor = factors.at(phase).get<double>();
  }
}

void Learner::synchronise() {
  std::vector<torch::Tensor> tensors;
  for (const auto& network : task_->networks())
    for (const auto& [key, tensor] : state_dict_of(*network.module)) tensors.push_back(tensor);
  group_.broadcast(tensors);
}

}  // namespace ganvas
