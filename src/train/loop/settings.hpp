#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ganvas/core/recipe.hpp"
#include "ganvas/train/task.hpp"
#include "ganvas/train/trainer.hpp"
#include "train/optim/ema.hpp"

namespace ganvas {

/// The recipe's keys that every task shares.
struct TrainSettings {
  std::string task;
  std::uint64_t seed = 0;
  std::int64_t steps = 0;
  int batch = 0;
  int accumulation = 1;
  bool bf16 = false;
  EmaPace ema{};
  double anneal_steps = 1;  ///< in which the numbers of [anneal] arrive where they go
  std::int64_t log_every = 100, validate_every = 1000, sample_every = 1000, checkpoint_every = 500;
  std::int64_t keep_every = 0;  ///< steps after which a checkpoint stays; 0: only the latest
  std::int64_t patience = 0;    ///< validations without a better score after which the run ends; 0: never
  int loader_threads = 1;
};

TrainSettings read_settings(Recipe& recipe, torch::Device device);
/// Builds the recipe's task, which reads its own keys.
std::unique_ptr<Task> make_task(Recipe& recipe, const TrainSettings& settings, const TrainOptions& options,
                                torch::Device device, int processes = 1);

}  // namespace ganvas
