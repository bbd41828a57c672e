#include "ganvas/report/compare.hpp"

#include <cstdio>
#include <memory>

#include "commands/lpips_meter.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas::cli {

int run(const CompareRequest& request) {
  CompareOptions compare = request.options;
  if (request.lpips.on) {
    const auto meter = std::make_shared<LpipsMeter>(request.lpips, "auto");
    compare.columns.push_back(
        {meter->name(), /*smaller_is_better=*/true,
         [meter](const Image& result, const Image& reference) { return meter->distance(result, reference); }});
  }
  const CompareSummary summary = compare_folders(compare, request.out);
  fmt::print("{:<40}", "result");
  for (const auto& column : summary.columns) fmt::print(" {:>9}", column);
  fmt::print("\n");
  for (const auto& [name, means] : summary.means) {
    fmt::print("{:<40}", name);
    for (const double mean : means) fmt::print(" {:>9.4f}", mean);
    fmt::print("\n");
  }
  log(LogLevel::info, "{}: {} pictures compared, {} left out", request.out, summary.pictures, summary.failed);
  return summary.failed == 0 ? 0 : 1;
}

}  // namespace ganvas::cli
