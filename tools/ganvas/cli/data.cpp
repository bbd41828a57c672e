#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"

namespace ganvas::cli {

void add_data(CLI::App& app, Action& action) {
  CLI::App* data = app.add_subcommand("data", "Look after training data");
  data->require_subcommand(1);
  auto request = std::make_shared<DataCheckRequest>();
  CLI::App* check = data->add_subcommand("check", "List broken, too small and mismatched pictures; exit 1 if any");
  check->add_option("places", request->places, "Folders or files of high-resolution pictures")->required();
  check->add_option("--lr-data", request->lr, "Folder of low-resolution partners");
  check->add_option("--scale", request->scale, "Scale between them")->capture_default_str()->check(CLI::Range(1, 16));
  check->add_option("--crop", request->crop, "Side of a training crop, low-resolution pixels")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  CLI::Option* pairs =
      check->add_flag("--pairs", request->pairs, "Of translation: side-by-side files, or the folders of A and B");
  check->add_flag("--unpaired", request->unpaired, "Of translation without partners: the folders of A and B")
      ->excludes(pairs);
  check->callback([request, &action] { action = [request] { return run_in_library(*request); }; });
  add_data_degrade(*data, action);
  add_data_augment(*data, action);
  add_data_pairs(*data, action);
}

}  // namespace ganvas::cli
