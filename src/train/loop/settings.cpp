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

/// anneal.kimg: thousands of pictures; 0: the whole run.
double read_anneal_steps(Recipe& recipe, std::int64_t steps, std::int64_t pictures) {
  const double kimg = recipe.number("anneal.kimg", 0.0, 0.0, 1e9);
  return kimg > 0 ? 1000 * kimg / static_cast<double>(pictures) : static_cast<double>(steps);
}

/// train.ema (the decay a step), or train.ema_kimg (a half-life in thousands of pictures, which may be annealed) with
/// train.ema_rampup.
EmaPace read_pace(Recipe& recipe, std::int64_t pictures, double anneal_steps) {
  EmaPace pace{.batch = pictures};
  const Annealed kimg = Annealed::from_recipe(recipe, "train.ema_kimg", 0.0, 0.0, 1e9, anneal_steps);
  pace.half_life = kimg.times(1000);
  pace.ramp_up = recipe.number("train.ema_rampup", 0.0, 0.0, 1.0);
  pace.decay = recipe.number("train.ema", 0.999, 0.0, 0.999999);
  if (pace.by_half_life() && !recipe.at_default("train.ema"))
    fail(ErrorKind::recipe, "{}: train.ema and train.ema_kimg are two ways to say one thing", recipe.name());
  if (!pace.by_half_life() && pace.ramp_up > 0)
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
  const std::int64_t pictures = static_cast<std::int64_t>(settings.batch) * settings.accumulation;
  settings.anneal_steps = read_anneal_steps(recipe, settings.steps, pictures);
  settings.ema = read_pace(recipe, pictures, settings.anneal_steps);
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
             .anneal_steps = settings.anneal_steps,
             .scratch = options.out,
             .find_model = options.find_model});
}

}  // namespace ganvas
