#include "train/loop/settings.hpp"

#include "ganvas/core/error.hpp"
#include "ganvas/nn/precision.hpp"
#include "train/plugins.hpp"

namespace ganvas {

const Registry<TaskPlugin>& task_plugins() {
  static const Registry<TaskPlugin> plugins("task", all_task_plugins());
  return plugins;
}

namespace {

/// train.ema (the decay a step), or train.ema_kimg (a half-life in thousands of pictures) with train.ema_rampup.
EmaPace read_pace(Recipe& recipe, std::int64_t pictures) {
  EmaPace pace{.batch = pictures};
  pace.half_life = 1000 * recipe.number("train.ema_kimg", 0.0, 0.0, 1e9);
  pace.ramp_up = recipe.number("train.ema_rampup", 0.0, 0.0, 1.0);
  pace.decay = recipe.number("train.ema", 0.999, 0.0, 0.999999);
  if (pace.half_life > 0 && !recipe.at_default("train.ema"))
    fail(ErrorKind::recipe, "{}: train.ema and train.ema_kimg are two ways to say one thing", recipe.name());
  if (pace.half_life == 0 && pace.ramp_up > 0)
    fail(ErrorKind::recipe, "{}: train.ema_rampup shortens the half-life of train.ema_kimg, which isn't given",
         recipe.name());
  return pace;
}

}  // namespace

TrainSettings read_settings(Recipe& recipe, torch::Device device) {
  TrainSettings settings;
  settings.task = recipe.choice("task", "super-resolution", task_plugins().names());
  settings.seed = static_cast<std::uint64_t>(recipe.integer("train.seed", 1, 0));
  settings.steps = recipe.integer("train.steps", 100000, 1);
  settings.batch = static_cast<int>(recipe.integer("train.batch", 16, 1, 65536));
  settings.accumulation = static_cast<int>(recipe.integer("train.accumulation", 1, 1, 65536));
  settings.bf16 = use_bf16(recipe.choice("train.precision", "auto", {"auto", "fp32", "bf16"}), device);
  settings.ema = read_pace(recipe, static_cast<std::int64_t>(settings.batch) * settings.accumulation);
  settings.log_every = recipe.integer("train.log_every", 100, 1);
  settings.validate_every = recipe.integer("train.validate_every", 1000, 1);
  settings.sample_every = recipe.integer("train.sample_every", settings.validate_every, 1);
  settings.checkpoint_every = recipe.integer("train.checkpoint_every", 500, 1);
  settings.keep_every = recipe.integer("train.keep_every", 0, 0);
  settings.patience = recipe.integer("train.patience", 0, 0);
  settings.loader_threads = static_cast<int>(recipe.integer("data.threads", 1, 1, 256));
  return settings;
}

std::unique_ptr<Task> make_task(Recipe& recipe, const TrainSettings& settings, const TrainOptions& options,
                                torch::Device device, int processes) {
  if (settings.batch % processes != 0)
    fail(ErrorKind::recipe, "{}: train.batch={} can't be shared evenly by {} processes", recipe.name(), settings.batch,
         processes);
  return task_plugins()
      .at(settings.task)
      .make({.recipe = recipe,
             .data = options.data,
             .device = device,
             .seed = settings.seed,
             .batch = settings.batch / processes,
             .bf16 = settings.bf16,
             .steps = settings.steps,
             .scratch = options.out,
             .find_model = options.find_model});
}

}  // namespace ganvas
