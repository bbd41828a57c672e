#include "ganvas/nn/discriminator.hpp"

#include "ganvas/core/error.hpp"
#include "nn/plugins.hpp"

namespace ganvas {

const std::vector<DiscriminatorPlugin>& discriminator_plugins() {
  static const std::vector<DiscriminatorPlugin> plugins = all_discriminator_plugins();
  return plugins;
}

DiscriminatorPtr make_discriminator(const std::string& architecture, const nlohmann::json& config, int size) {
  std::vector<std::string> known;
  for (const auto& plugin : discriminator_plugins()) {
    if (plugin.name == architecture) return plugin.make(config, size);
    known.push_back(plugin.name);
  }
  fail(ErrorKind::recipe, "unknown discriminator '{}'; known: {}", architecture, fmt::join(known, ", "));
}

}  // namespace ganvas
