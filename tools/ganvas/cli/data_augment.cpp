#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

void add_data_augment(CLI::App& data, Action& action) {
  auto request = std::make_shared<DataAugmentRequest>();
  CLI::App* command =
      data.add_subcommand("augment", "Look at what an augmentation makes of pictures, before a run learns from them");
  command->add_option("places", request->places, "Folders (searched recursively) or files")->required();
  command
      ->add_option("--preview", request->preview,
                   "The sheet to write, a PNG file: a picture a row, first as it is, then changed")
      ->required();
  CLI::Option* recipe =
      command->add_option("--recipe", request->recipe, "Recipe whose augment.policy is shown (default: bgc)");
  command->add_option("--policy", request->policy, "What may be changed, as in augment.policy, e.g. bgc-upright")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->excludes(recipe);
  command->add_option("--probability", request->probability, "Of each change, as augment.probability; ADA moves it")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--size", request->size, "Side to which pictures are cut and resized")
      ->capture_default_str()
      ->check(CLI::Range(8, 1024));
  command->add_option("--pictures", request->pictures, "Rows")->capture_default_str()->check(CLI::Range(1, 64));
  command->add_option("--columns", request->columns, "Changed versions of each")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command->add_option("--seed", request->seed, "The same seed gives the same sheet")->capture_default_str();
  command->add_flag("--force", request->force, "Replace an existing file");
  command->callback([request, &action] {
    action = [request] {
      if (!request->recipe.empty()) find_recipe(request->recipe);  // a wrong name shows at once
      return run_in_library(*request);
    };
  });
}

}  // namespace ganvas::cli
