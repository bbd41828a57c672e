#include <fmt/format.h>

#include <cstdio>

#include "commands/run.hpp"
#include "ganvas/report/run_reporter.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

int run(const ReportRequest& request) {
  const fs::path out = request.out.empty() ? fs::path(request.run) / "report.html" : fs::path(request.out);
  rebuild_run_report(request.run, out);
  fmt::print("{}\n", out.string());
  return 0;
}

}  // namespace ganvas::cli
