#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/lpips_options.hpp"

namespace ganvas::cli {

void add_compare(CLI::App& app, Action& action) {
  auto request = std::make_shared<CompareRequest>();
  CLI::App* command = app.add_subcommand("compare", "A page that shows results side by side, with figures");
  command->add_option("results", request->options.results, "Folders of results, one for each method")->required();
  command->add_option("--hr", request->options.reference, "Folder of ground truth")->required();
  command->add_option("-o,--out", request->out, "The page to write")->required();
  command->add_option("--border", request->options.border, "Pixels that the figures leave out on each side")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command
      ->add_option("--limit", request->options.limit,
                   "Show so many pictures; a picture takes up to 150 KiB a folder, and the table has all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  add_lpips_options(*command, request->lpips);
  command->callback([request, &action] { action = [request] { return run_in_library(*request); }; });
}

}  // namespace ganvas::cli
