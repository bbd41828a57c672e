#pragma once

#include <filesystem>
#include <string>

/// What callers may choose in this module: a command line binds these fields before anything else is loaded.
namespace ganvas {

struct SweepOptions {
  std::filesystem::path out{};  ///< the sweep's folder, which all workers share
  double stale = 120;           ///< seconds without a sign of life after which others take over what this worker holds
  bool wait = true;             ///< for what others hold; else the worker ends when nothing else is left
  std::string label{};          ///< before its lines in the log, e.g. "worker 2: "
};

}  // namespace ganvas
