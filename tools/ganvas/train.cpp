#include <cstdio>

#include "commands.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/core/recipe.hpp"
#include "ganvas/train/trainer.hpp"

namespace ganvas::cli {

namespace {

struct Options {
  std::string recipe;
  std::vector<std::string> data, sets;
  std::string lr, validation, out = "runs/{recipe}", device = "auto";
  std::int64_t stop_at = 0;
  int threads = 0;
  bool resume = false, dry_run = false;
};

int run(const Options& options) {
  const std::filesystem::path path = find_recipe(options.recipe);
  Recipe recipe = Recipe::load(path);
  for (const auto& assignment : options.sets) recipe.set(assignment);
  if (options.dry_run) {
    std::fputs(resolve_recipe(std::move(recipe)).c_str(), stdout);
    return 0;
  }
  TrainOptions train_options;
  std::string out = options.out;
  if (const auto mark = out.find("{recipe}"); mark != std::string::npos) out.replace(mark, 8, path.stem().string());
  train_options.out = out;
  train_options.data.places.assign(options.data.begin(), options.data.end());
  train_options.data.lr = options.lr;
  train_options.data.validation = options.validation;
  train_options.resume = options.resume;
  train_options.device = options.device;
  train_options.threads = options.threads;
  train_options.find_model = [](const std::string& name) { return find_model(name); };
  if (options.stop_at > 0) train_options.stop_at = options.stop_at;
  const TrainResult result = train(std::move(recipe), train_options);
  if (result.finished) fmt::print("{}/model.safetensors\n", out);
  log(LogLevel::info, "{} steps done{}; waited for data {:.1f} % of the time", result.steps,
      result.finished ? "" : ", go on with --resume", 100 * result.wait_share);
  return 0;
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "Train a model from a recipe");
  command->add_option("recipe", options->recipe, "Name of a shipped recipe, or a .toml file")->required();
  command
      ->add_option("--data", options->data,
                   "Folder of (high-resolution) pictures, searched recursively; may be given again")
      ->allow_extra_args(false);
  command->add_option("--lr-data", options->lr, "Folder of low-resolution partners (default: made by MATLAB bicubic)");
  command->add_option("--val", options->validation, "Validation pictures: a folder, or one with hr/ and lr/ inside");
  command->add_option("-o,--out", options->out, "Folder of the run")->capture_default_str();
  command->add_option("--set", options->sets, "Override a recipe's key: section.key=value")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--stop-at", options->stop_at, "End after this many steps, with a checkpoint")
      ->check(CLI::PositiveNumber);
  command->add_flag("--resume", options->resume, "Go on from the last checkpoint in the run's folder");
  command->add_flag("--dry-run", options->dry_run, "Check the recipe and print it with all defaults");
  command->add_option("--device", options->device, "auto, cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", options->threads, "CPU threads (default: all cores)")->check(CLI::Range(1, 1024));
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace ganvas::cli
