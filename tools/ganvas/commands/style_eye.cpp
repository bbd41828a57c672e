#include "commands/style_eye.hpp"

#include <filesystem>

#include "commands/network_file.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::cli {

FeatureNetworkPtr load_style_eye(const std::string& given) {
  const std::filesystem::path file = find_network_file(given.empty() ? "vgg19" : given);
  // As it is first: other networks know no padding.
  const FeatureNetworkPtr plain = load_feature_network(file);
  if (const auto kind = plain->architecture(); kind != "vgg")
    fail(ErrorKind::usage, "--feature-network {}: styles are compared in a VGG, not in a network of the kind {}",
         file.string(), kind);
  nlohmann::json changes{{"padding", "reflect"}};
  if (plain->layer_names().back() == "relu3_1") changes["input"] = "plain";
  return load_feature_network(file, changes);
}

}  // namespace ganvas::cli
