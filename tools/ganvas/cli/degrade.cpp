#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

void add_data_degrade(CLI::App& data, Action& action) {
  auto request = std::make_shared<DataDegradeRequest>();
  CLI::App* command = data.add_subcommand("degrade", "Make bad small pictures from good ones, as training does");
  command->add_option("places", request->tree.places, "Folders (searched recursively) or files")->required();
  command->add_option("-o,--out", request->tree.out, "Folder of the degraded pictures (PNG)")->required();
  command->add_option("--recipe", request->recipe, "Recipe whose [degrade] tables say how (default: Real-ESRGAN's)");
  command->add_option("--set", request->sets, "Override a recipe's key: degrade.key=value")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--scale", request->scale, "How much smaller (default: the recipe's, or 4)")
      ->check(CLI::Range(1, 16));
  command->add_option("--seed", request->seed, "The same seed gives the same pictures; 1 as in validation")
      ->capture_default_str();
  command->add_option("--limit", request->tree.limit, "Only the first N pictures")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_flag("--compare", request->compare,
                    "Also write each enlarged, beside its original, to the folder OUT-compare");
  command->add_flag("--force", request->tree.force, "Replace existing files");
  command->callback([request, &action] {
    action = [request] {
      if (!request->recipe.empty()) find_recipe(request->recipe);  // a wrong name shows at once
      return run_in_library(*request);
    };
  });
}

}  // namespace ganvas::cli
