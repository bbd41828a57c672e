#include "engine/export/metadata.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ganvas::engine {

std::map<std::string, std::string> export_metadata(const Generator& network, std::map<std::string, std::string> given) {
  const GeneratorInfo info = network.info();
  given["ganvas.architecture"] = network.architecture();
  given["ganvas.config"] = network.config().dump();
  given["ganvas.scale"] = fmt::format("{}", info.scale);
  given["ganvas.value_low"] = fmt::format("{}", info.value_low);
  given["ganvas.value_range"] = fmt::format("{}", info.value_range);
  given["ganvas.multiple"] = fmt::format("{}", info.multiple);
  given["ganvas.halo"] = fmt::format("{}", info.global ? -1 : info.halo);
  return given;
}

}  // namespace ganvas::engine
