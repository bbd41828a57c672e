#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "ganvas/train/task.hpp"

namespace ganvas {

struct TrainOptions {
  std::filesystem::path out;  ///< the run's folder: log.jsonl, recipe.toml, checkpoints/, model.safetensors
  TaskData data;
  std::optional<std::int64_t> stop_at;  ///< end early, with a checkpoint, when this many steps are done
  bool resume = false;                  ///< go on from checkpoints/latest.safetensors
  std::string device = "auto";          ///< auto, cpu, cuda or cuda:N
  int threads = 0;                      ///< CPU threads; 0: all. Another count may round differently
};

struct TrainResult {
  std::int64_t steps = 0;  ///< done so far
  bool finished = false;   ///< all steps of the recipe are done
  Scalars validation;      ///< of the last validation
  double best_score = -1e300;
  double wait_share = 0;  ///< share of the time that training waited for data
};

/// Runs a recipe. Files in `out` appear by rename only:
///   recipe.toml                     the recipe with every default spelt out
///   log.jsonl                       one line a report: step, losses, rates, seconds
///   checkpoints/latest.safetensors  everything that resuming needs
///   best.safetensors, model.safetensors   the exported model with the best validation, and the last
/// Ctrl-C: a checkpoint is written, then Error(interrupted). A resumed run ends with the same bytes as one that was
/// never stopped. Throws Error(recipe), Error(data), Error(file).
TrainResult train(Recipe recipe, const TrainOptions& options);

/// Reads all keys of a recipe without training: checks it and returns it with its defaults, as TOML.
std::string resolve_recipe(Recipe recipe);

}  // namespace ganvas
