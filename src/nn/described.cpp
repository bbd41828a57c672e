#include "nn/described.hpp"

namespace ganvas {

std::optional<Described> described(const ModelFile& file) {
  const auto name = file.metadata.find("ganvas.architecture");
  const auto config = file.metadata.find("ganvas.config");
  if (name == file.metadata.end() || config == file.metadata.end()) return std::nullopt;
  auto parsed = nlohmann::json::parse(config->second, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return std::nullopt;
  return Described{name->second, {std::move(parsed), file.weights, "ganvas"}};
}

}  // namespace ganvas
