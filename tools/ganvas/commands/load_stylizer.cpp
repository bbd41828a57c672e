#include "commands/load_stylizer.hpp"

#include <filesystem>

#include "ganvas/core/error.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

Stylizer load_stylizer(const std::vector<std::string>& models, const StylizeOptions& options, bool trust) {
  const std::vector<fs::path> paths(models.begin(), models.end());
  const bool script = paths.size() == 1 && !fs::is_directory(paths.front()) && is_torchscript(paths.front());
  if (!script)
    if (StyleNetworkPtr network = load_style_network(paths)) return Stylizer(std::move(network), options);
  if (paths.size() > 1) fail(ErrorKind::usage, "-m: {} files, but no network of several parts", paths.size());
  return Stylizer(load_generator(paths.front(), {trust}), options);
}

}  // namespace ganvas::cli
