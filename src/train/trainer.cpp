#include "ganvas/train/trainer.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/threads.hpp"
#include "train/checkpoint.hpp"
#include "train/run_log.hpp"
#include "train/settings.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

class Trainer {
 public:
  Trainer(Recipe recipe, const TrainOptions& options);
  TrainResult run();

 private:
  void restore();
  void save_checkpoint();
  void train_step(Loader& loader);
  void set_learning(const Phase& phase);
  std::vector<std::unique_ptr<Ema::Scope>> averaged_weights() const;
  void validate();
  void report(const Loader& loader);
  void export_to(const fs::path& path);

  TrainOptions options_;
  torch::Device device_;
  Recipe recipe_;
  TrainSettings settings_;
  std::unique_ptr<Task> task_;
  std::vector<Phase> phases_;
  std::map<std::string, Optimiser> optimisers_;  ///< by phase
  std::map<std::string, Ema> averages_;          ///< by network
  std::unique_ptr<RunLog> log_;
  MeanScalars means_;
  TrainResult result_;
  std::string resolved_;
  std::int64_t step_ = 0;          ///< steps done
  std::int64_t resumed_step_ = 0;  ///< up to here the log is written already
  int batches_per_step_ = 1;
  double began_ = 0;
};

Trainer::Trainer(Recipe recipe, const TrainOptions& options)
    : options_(options), device_(parse_device(options.device)), recipe_(std::move(recipe)) {
  use_cpu_threads(options.threads);
  settings_ = read_settings(recipe_, device_);
  torch::manual_seed(settings_.seed);
  task_ = make_task(recipe_, settings_, options_.data, device_);
  phases_ = task_->phases();
  const auto networks = task_->networks();
  for (const auto& phase : phases_) {
    std::vector<torch::Tensor> parameters;
    for (const auto& network : networks)
      if (std::find(phase.networks.begin(), phase.networks.end(), network.name) != phase.networks.end())
        for (const auto& parameter : network.module->parameters())
          if (parameter.requires_grad()) parameters.push_back(parameter);
    optimisers_.try_emplace(phase.name, recipe_, phase.name, std::move(parameters), settings_.steps);
    batches_per_step_ = std::max(batches_per_step_, phase.repeats * settings_.accumulation);
  }
  recipe_.check_all_read();
  resolved_ = recipe_.resolved();
  for (const auto& network : networks)
    if (network.averaged && settings_.ema > 0) averages_.try_emplace(network.name, network.module, settings_.ema);
}

void Trainer::restore() {
  const fs::path path = options_.out / "checkpoints" / "latest.safetensors";
  if (!fs::exists(path)) {
    log(LogLevel::info, "{}: no checkpoint yet, starting from the beginning", path.string());
    return;
  }
  const Checkpoint checkpoint = read_checkpoint(path);
  const auto fact = [&](const char* name) {
    const auto found = checkpoint.facts.find(name);
    if (found == checkpoint.facts.end())
      fail(ErrorKind::model, "{}: is no checkpoint of a training run", path.string());
    return found->second;
  };
  if (fact("recipe") != resolved_)
    fail(ErrorKind::recipe, "{}: belongs to another recipe; compare {} or choose another --out", path.string(),
         (options_.out / "recipe.toml").string());
  for (const auto& network : task_->networks())
    load_state_dict(*network.module, checkpoint.below("network/" + network.name + "/"), path.string());
  for (auto& [name, average] : averages_) average.restore(checkpoint.below("average/" + name + "/"), path.string());
  for (auto& [name, optimiser] : optimisers_)
    optimiser.restore(checkpoint.tensors.at("optimiser/" + name), path.string());
  checkpoint.restore_random_state();
  const std::string step = fact("step");
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), step_);
  if (error != std::errc() || end != step.data() + step.size() || step_ < 0)
    fail(ErrorKind::model, "{}: its step '{}' is not a whole number", path.string(), step);
  result_.best_score = std::strtod(fact("best_score").c_str(), nullptr);
}

void Trainer::save_checkpoint() {
  Checkpoint checkpoint;
  for (const auto& network : task_->networks())
    checkpoint.add("network/" + network.name + "/", state_dict_of(*network.module));
  for (const auto& [name, average] : averages_) checkpoint.add("average/" + name + "/", average.average());
  for (const auto& [name, optimiser] : optimisers_) checkpoint.tensors.set("optimiser/" + name, optimiser.state());
  checkpoint.add_random_state();
  checkpoint.facts = {{"step", fmt::format("{}", step_)},
                      {"best_score", fmt::format("{:a}", result_.best_score)},
                      {"recipe", resolved_}};
  write_checkpoint(options_.out / "checkpoints" / "latest.safetensors", checkpoint);
}

/// Only the phase's own networks collect gradients; the others are passed through.
void Trainer::set_learning(const Phase& phase) {
  if (phases_.size() == 1) return;
  for (const auto& [name, optimiser] : optimisers_)
    for (torch::Tensor parameter : optimiser.parameters()) parameter.set_requires_grad(name == phase.name);
}

void Trainer::train_step(Loader& loader) {
  std::vector<Batch> batches;
  for (int i = 0; i < batches_per_step_; ++i) {
    batches.push_back(loader.next());
    if (device_.is_cuda())
      for (auto& [name, tensor] : batches.back()) tensor = tensor.to(device_, /*non_blocking=*/true);
  }
  for (const auto& phase : phases_) {
    if (step_ % phase.interval != 0) continue;
    set_learning(phase);
    Optimiser& optimiser = optimisers_.at(phase.name);
    std::size_t next = 0;
    for (int repeat = 0; repeat < phase.repeats; ++repeat) {
      optimiser.zero_grad();
      for (int i = 0; i < settings_.accumulation; ++i) {
        const Scalars scalars = task_->accumulate(phase, batches[next++], 1.0 / settings_.accumulation);
        for (const auto& [name, value] : scalars)
          if (!std::isfinite(value))
            fail(ErrorKind::data, "step {}: {} became {}; the last good checkpoint is kept; lower optimiser.{}.lr",
                 step_ + 1, name, value, phase.name);
        means_.add("", scalars);
      }
      const double norm = optimiser.step(step_);
      if (!std::isfinite(norm))
        fail(ErrorKind::data,
             "step {}: the gradient became {}; the last good checkpoint is kept; lower optimiser.{}.lr", step_ + 1,
             norm, phase.name);
      means_.add(phase.name + ".", {{"gradient_norm", norm}});
    }
  }
  ++step_;
  for (auto& [name, average] : averages_) average.update(step_);
}

/// While the result lives, the networks hold their averages.
std::vector<std::unique_ptr<Ema::Scope>> Trainer::averaged_weights() const {
  std::vector<std::unique_ptr<Ema::Scope>> scopes;
  for (const auto& [name, average] : averages_) scopes.push_back(std::make_unique<Ema::Scope>(average));
  return scopes;
}

void Trainer::validate() {
  {
    const auto averages = averaged_weights();
    const torch::NoGradGuard no_grad;
    result_.validation = task_->validate();
  }
  if (result_.validation.empty()) return;
  if (step_ > resumed_step_) log_->write("validation", step_, result_.validation);
  std::string text;
  for (const auto& [name, value] : result_.validation) text += fmt::format(" {} {:.4f}", name, value);
  const double score = task_->score(result_.validation);
  const bool best = score > result_.best_score;
  log(LogLevel::info, "step {}: validation{}{}", step_, text, best ? " (best so far)" : "");
  if (!best) return;
  result_.best_score = score;
  export_to(options_.out / "best.safetensors");
}

void Trainer::export_to(const fs::path& path) {
  const auto averages = averaged_weights();
  std::map<std::string, std::string> figures{{"ganvas.recipe", resolved_}, {"ganvas.steps", fmt::format("{}", step_)}};
  for (const auto& [name, value] : result_.validation)
    figures["ganvas.validation." + name] = fmt::format("{:.4f}", value);
  task_->export_model(path, figures);
}

void Trainer::report(const Loader& loader) {
  Scalars values = means_.take();
  for (const auto& [name, optimiser] : optimisers_) values[name + ".rate"] = optimiser.rate(step_ - 1);
  const double elapsed = seconds_now() - began_;
  values["seconds"] = elapsed;
  values["wait_share"] = loader.waited() / std::max(elapsed, 1e-9);
  log_->write("train", step_, values);
}

TrainResult Trainer::run() {
  task_->load_data();
  std::error_code error;
  fs::create_directories(options_.out / "checkpoints", error);
  if (error) fail(ErrorKind::file, "{}: can't create: {}", options_.out.string(), error.message());
  if (options_.resume) restore();
  else if (fs::exists(options_.out / "checkpoints" / "latest.safetensors"))
    fail(ErrorKind::usage, "{}: holds a run already; give --resume to go on, or another --out", options_.out.string());
  write_file_atomically(options_.out / "recipe.toml", resolved_);
  resumed_step_ = step_;
  log_ = std::make_unique<RunLog>(options_.out / "log.jsonl", resumed_step_);

  const std::int64_t end = std::min(settings_.steps, options_.stop_at.value_or(settings_.steps));
  Loader loader([this](std::int64_t index) { return task_->make_batch(index); }, step_ * batches_per_step_,
                settings_.loader_threads, 4 * batches_per_step_);
  Progress progress("train", static_cast<double>(settings_.steps), static_cast<double>(step_));
  began_ = seconds_now();
  while (step_ < end && !interrupted()) {
    train_step(loader);
    progress.update(static_cast<double>(step_));
    if (step_ % settings_.log_every == 0) report(loader);
    if (step_ % settings_.validate_every == 0 || step_ == settings_.steps) validate();
    if (step_ % settings_.checkpoint_every == 0 || step_ == end) save_checkpoint();
  }
  progress.finish();
  result_.steps = step_;
  result_.finished = step_ == settings_.steps;
  result_.wait_share = loader.waited() / std::max(seconds_now() - began_, 1e-9);
  if (interrupted() && !result_.finished) {
    save_checkpoint();
    fail(ErrorKind::interrupted, "interrupted after step {}; go on with --resume", step_);
  }
  if (result_.finished) {
    if (result_.validation.empty()) validate();  // resumed when all was done
    export_to(options_.out / "model.safetensors");
  }
  return result_;
}

}  // namespace

TrainResult train(Recipe recipe, const TrainOptions& options) { return Trainer(std::move(recipe), options).run(); }

std::string resolve_recipe(Recipe recipe) {
  const torch::Device device(torch::kCPU);
  const TrainSettings settings = read_settings(recipe, device);
  const auto task = make_task(recipe, settings, {}, device);
  for (const auto& phase : task->phases()) Optimiser(recipe, phase.name, {torch::zeros({1})}, settings.steps);
  recipe.check_all_read();
  return recipe.resolved();
}

}  // namespace ganvas
