#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"

namespace ganvas::cli {

void add_compare(CLI::App& app, Action& action) {
  auto request = std::make_shared<CompareRequest>();
  CLI::App* command = app.add_subcommand("compare", "A page that shows results side by side, with figures");
  command->add_option("results", request->results, "Folders of results, one for each method")->required();
  command->add_option("--hr", request->hr, "Folder of ground truth")->required();
  command->add_option("-o,--out", request->out, "The page to write")->required();
  command->add_option("--border", request->border, "Pixels that the figures leave out on each side")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command
      ->add_option("--limit", request->limit,
                   "Show so many pictures; a picture takes up to 150 KiB a folder, and the table has all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command->add_flag("--lpips", request->lpips.on, "Measure LPIPS too (v0.1; smaller is better)");
  command->add_option("--lpips-network", request->lpips.network,
                      "Its feature network: file or name (default: the fetched squeezenet1_1; shipped: features)");
  command->add_option("--lpips-heads", request->lpips.heads, "Its heads (default: the network's own, or the fetched)");
  command->callback([request, &action] {
    if (!request->lpips.network.empty() || !request->lpips.heads.empty()) request->lpips.on = true;
    action = [request] { return run_in_library(*request); };
  });
}

}  // namespace ganvas::cli
