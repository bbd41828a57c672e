#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/training_options.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

void add_train(CLI::App& app, Action& action) {
  auto request = std::make_shared<TrainRequest>();
  auto direction = std::make_shared<std::string>(), style = std::make_shared<std::string>();
  TrainOptions& options = request->options;
  CLI::App* command = app.add_subcommand("train", "Train a model from a recipe");
  command->add_option("recipe", request->recipe, "Name of a shipped recipe, or a .toml file")->required();
  add_training_options(*command, options);
  command->add_option("--direction", *direction, "Of translation: AtoB or BtoA (the recipe's data.direction)")
      ->check(CLI::IsMember({"AtoB", "BtoA"}));
  command
      ->add_option("--style", *style, "Of style and style-any: the painting, or a folder of paintings; the last --data")
      ->type_name("PICTURE");
  command->add_option("-o,--out", options.out, "Folder of the run")->capture_default_str();
  command->add_option("--set", request->sets, "Override a recipe's key: section.key=value")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--stop-at", options.stop_at, "End after this many steps, with a checkpoint")
      ->check(CLI::PositiveNumber);
  auto* resume = command->add_flag("--resume", options.resume, "Go on from the last checkpoint in the run's folder");
  command->add_flag("--new-data", options.new_data, "With --resume: go on with other pictures than before")
      ->needs(resume);
  command->add_flag("--dry-run", request->dry_run, "Check the recipe and print it with all defaults");
  command->callback([request, direction, style, &action] {
    action = [request, direction, style] {
      find_recipe(request->recipe);  // a wrong name shows at once
      if (!direction->empty()) request->sets.push_back("data.direction=" + *direction);
      if (!style->empty()) request->options.data.places.emplace_back(*style);
      return run_in_library(*request);
    };
  });
}

}  // namespace ganvas::cli
