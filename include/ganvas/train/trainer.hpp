#pragma once

#include <cstdint>
#include <string>

#include "ganvas/nn/recipe_model.hpp"
#include "ganvas/train/options.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

struct TrainResult {
  std::int64_t steps = 0;  ///< done so far
  bool finished = false;   ///< all steps of the recipe are done
  bool first = true;       ///< this is the process that writes the files
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
/// never stopped; where it goes on with other steps, rates or precision, log.jsonl says so. Processes that torchrun,
/// mpirun or srun started train on their shares of every batch, and the first one writes the files. Throws
/// Error(recipe), Error(data), Error(file), and SettingError "new_data" where a run would go on with other pictures.
TrainResult train(Recipe recipe, const TrainOptions& options);

/// Reads recipe and data as train() does before its first step, and throws what that would throw; writes nothing.
void check_training(Recipe recipe, const TrainOptions& options);

/// Reads all keys of a recipe without training: checks it and returns it with its defaults, as TOML. With `find_model`
/// the files that it names are read as well.
std::string resolve_recipe(Recipe recipe, const FindModel& find_model = {});
/// The same, as the recipe that has been read.
Recipe read_to_end(Recipe recipe, const FindModel& find_model = {});

}  // namespace ganvas
