#include "commands/style_eye.hpp"

#include <filesystem>

#include "commands/network_file.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::cli {

FeatureNetworkPtr load_style_eye(const std::string& given) {
  const std::filesystem::path file = find_network_file(given.empty() ? "vgg19" : given);
  // As it is first: other networks know no padding.
  if (const auto kind = load_feature_network(file)->architecture(); kind != "vgg")
    fail(ErrorKind::usage, "--feature-network {}: styles are compared in a VGG, not in a network of the kind {}",
         file.string(), kind);
  FeatureNetworkPtr network = load_feature_network(file, {{"padding", "reflect"}});
  if (network->layer_names().back() != "relu3_1") return network;
  return load_feature_network(file, {{"padding", "reflect"}, {"input", "plain"}});
}

}  // namespace ganvas::cli
