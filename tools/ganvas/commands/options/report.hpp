#pragma once

#include <string>

namespace ganvas::cli {

struct ReportRequest {
  std::string run, out;
};

}  // namespace ganvas::cli
