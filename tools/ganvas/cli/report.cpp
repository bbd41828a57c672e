#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"

namespace ganvas::cli {

void add_report(CLI::App& app, Action& action) {
  auto request = std::make_shared<ReportRequest>();
  CLI::App* command = app.add_subcommand("report", "Rebuild a run's report.html from its folder");
  command->add_option("run", request->run, "The run's folder")->required();
  command->add_option("-o,--out", request->out, "The page to write (default: report.html in the folder)");
  command->callback([request, &action] { action = [request] { return run_in_library(*request); }; });
}

}  // namespace ganvas::cli
