#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

void add_train(CLI::App& app, Action& action) {
  auto request = std::make_shared<TrainRequest>();
  auto direction = std::make_shared<std::string>();
  TrainOptions& options = request->options;
  CLI::App* command = app.add_subcommand("train", "Train a model from a recipe");
  command->add_option("recipe", request->recipe, "Name of a shipped recipe, or a .toml file")->required();
  command
      ->add_option("--data", options.data.places,
                   "Folder of pictures, searched recursively; may be given again (translation: A, then B)")
      ->allow_extra_args(false);
  command->add_option("--lr-data", options.data.lr,
                      "Folder of low-resolution partners (default: made by MATLAB bicubic)");
  command->add_option("--direction", *direction, "Of translation: AtoB or BtoA (the recipe's data.direction)")
      ->check(CLI::IsMember({"AtoB", "BtoA"}));
  command->add_option("--val", options.data.validation,
                      "Validation pictures: a folder, or one with hr/ and lr/ inside");
  command->add_option("-o,--out", options.out, "Folder of the run")->capture_default_str();
  command->add_option("--set", request->sets, "Override a recipe's key: section.key=value")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--stop-at", options.stop_at, "End after this many steps, with a checkpoint")
      ->check(CLI::PositiveNumber);
  command->add_flag("--resume", options.resume, "Go on from the last checkpoint in the run's folder");
  command->add_flag("--dry-run", request->dry_run, "Check the recipe and print it with all defaults");
  command->add_option("--device", options.device, "auto, cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", options.threads, "CPU threads (default: all cores)")->check(CLI::Range(1, 1024));
  command->callback([request, direction, &action] {
    action = [request, direction] {
      find_recipe(request->recipe);  // a wrong name shows at once
      if (!direction->empty()) request->sets.push_back("data.direction=" + *direction);
      return run_in_library(*request);
    };
  });
}

}  // namespace ganvas::cli
