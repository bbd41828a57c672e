#include "ganvas/report/compare.hpp"

#include <cstdio>
#include <memory>

#include "commands.hpp"
#include "ganvas/core/log.hpp"
#include "lpips_meter.hpp"

namespace ganvas::cli {

namespace {

struct Options {
  std::vector<std::string> results;
  std::string hr, out;
  int border = 4;
  std::size_t limit = 20;
  LpipsOptions lpips;
};

int run(const Options& options) {
  CompareOptions compare;
  compare.results.assign(options.results.begin(), options.results.end());
  compare.reference = options.hr;
  compare.border = options.border;
  compare.limit = options.limit;
  if (options.lpips.on) {
    const auto meter = std::make_shared<LpipsMeter>(options.lpips, "auto");
    compare.columns.push_back(
        {meter->name(), /*smaller_is_better=*/true,
         [meter](const Image& result, const Image& reference) { return meter->distance(result, reference); }});
  }
  const CompareSummary summary = compare_folders(compare, options.out);
  fmt::print("{:<40}", "result");
  for (const auto& column : summary.columns) fmt::print(" {:>9}", column);
  fmt::print("\n");
  for (const auto& [name, means] : summary.means) {
    fmt::print("{:<40}", name);
    for (const double mean : means) fmt::print(" {:>9.4f}", mean);
    fmt::print("\n");
  }
  log(LogLevel::info, "{}: {} pictures compared, {} left out", options.out, summary.pictures, summary.failed);
  return summary.failed == 0 ? 0 : 1;
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("compare", "A page that shows results side by side, with figures");
  command->add_option("results", options->results, "Folders of results, one for each method")->required();
  command->add_option("--hr", options->hr, "Folder of ground truth")->required();
  command->add_option("-o,--out", options->out, "The page to write")->required();
  command->add_option("--border", options->border, "Pixels that the figures leave out on each side")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command
      ->add_option("--limit", options->limit,
                   "Show so many pictures; a picture takes up to 150 KiB a folder, and the table has all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command->add_flag("--lpips", options->lpips.on, "Measure LPIPS too (v0.1; smaller is better)");
  command->add_option("--lpips-network", options->lpips.network,
                      "Its feature network: file or name (default: the fetched squeezenet1_1; shipped: features)");
  command->add_option("--lpips-heads", options->lpips.heads, "Its heads (default: the network's own, or the fetched)");
  command->callback([options, &action] {
    if (!options->lpips.network.empty() || !options->lpips.heads.empty()) options->lpips.on = true;
    action = [options] { return run(*options); };
  });
}

}  // namespace ganvas::cli
