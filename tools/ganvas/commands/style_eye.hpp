#pragma once

#include <string>

#include "ganvas/nn/feature_network.hpp"

namespace ganvas::cli {

/// The VGG through which styles are compared, with reflections at the borders: a file or a name, vgg19 where it is
/// empty. One that ends with conv3_1 is taken for the published one whose channels are scaled to means of 1 (Li et al.
/// 2017, WCT), which sees RGB as it is. Throws Error(usage) for other networks and with the command that fetches one.
FeatureNetworkPtr load_style_eye(const std::string& given);

}  // namespace ganvas::cli
