#include "ganvas/report/run_reporter.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "commands.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

struct Options {
  std::string run, out;
};

int run(const Options& options) {
  const fs::path out = options.out.empty() ? fs::path(options.run) / "report.html" : fs::path(options.out);
  rebuild_run_report(options.run, out);
  fmt::print("{}\n", out.string());
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("report", "Rebuild a run's report.html from its folder");
  command->add_option("run", options->run, "The run's folder")->required();
  command->add_option("-o,--out", options->out, "The page to write (default: report.html in the folder)");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace ganvas::cli
