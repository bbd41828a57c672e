#include "commands/style_eye.hpp"

#include <filesystem>

#include "commands/network_file.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::cli {

FeatureNetworkPtr load_style_eye(const std::string& given) {
  const std::filesystem::path file = find_network_file(given.empty() ? "vgg19" : given);
  FeatureNetworkPtr network = load_feature_network(file, {{"padding", "reflect"}});
  if (network->architecture() != "vgg")
    fail(ErrorKind::usage, "--feature-network {}: styles are compared in a VGG, not {}", file.string(),
         network->architecture());
  if (network->layer_names().back() != "relu3_1") return network;
  return load_feature_network(file, {{"padding", "reflect"}, {"input", "plain"}});
}

}  // namespace ganvas::cli
