#pragma once

#include <cstdint>
#include <string>

#include "ganvas/train/options.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

struct TrainResult {
  std::int64_t steps = 0;  ///< done so far
  bool finished = false;   ///< all steps of the recipe are done
  Scalars validation;      ///< of the last validation
  double best_score = -1e300;
  double wait_share = 0;  ///< share of the time that training waited for data
};

/// Runs a recipe. Files in `out` appear by rename only:
///   recipe.toml                     the recipe with every default spelt out
///   log.jsonl                       one line a report: step, losses, rates, seconds; what the monitor did
///   report.html, samples/, events.out.tfevents.*   the run in curves and pictures
///   checkpoints/latest.safetensors  everything that resuming needs
///   best.safetensors, model.safetensors   the exported model with the best validation, and the last
/// Ctrl-C: a checkpoint is written, then Error(interrupted). A resumed run ends with the same bytes as one that was
/// never stopped. Where torchrun or its like set WORLD_SIZE, RANK, MASTER_ADDR and MASTER_PORT, each process trains on
/// its share of every batch and the first one writes the files. Throws Error(recipe), Error(data), Error(file).
TrainResult train(Recipe recipe, const TrainOptions& options);

/// Reads recipe and data as train() does before its first step, and throws what that would throw; writes nothing.
void check_training(Recipe recipe, const TrainOptions& options);

/// Reads all keys of a recipe without training: checks it and returns it with its defaults, as TOML.
std::string resolve_recipe(Recipe recipe);
/// The same, as the recipe that has been read.
Recipe read_to_end(Recipe recipe);

}  // namespace ganvas
