#pragma once

#include <torch/types.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "ganvas/distribution/statistics.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/nn/feature_network.hpp"

namespace ganvas {

/// A picture as the feature networks of distribution metrics see it: RGB without alpha, resized to side x side whatever
/// its shape, by Interpolation::pillow and in float, as clean-fid does it (Parmar et al. 2022): a resize without
/// anti-aliasing, or rounded, moves the figures by more than a better generator would. 1 x 3 x side x side, nominally
/// in [0,1] (edges may overshoot).
torch::Tensor fitted_picture(const Image& image, int side);

/// Describes each picture by one vector: the means over the picture of the channels of `layers`, one layer after
/// another. images: N x 3 x H x W in [0,1], on the network's device; result: N x D in fp32. No layers: those of
/// network.pooled_layers().
torch::Tensor pooled_features(FeatureNetwork& network, const torch::Tensor& images,
                              const std::vector<std::string>& layers = {});

/// A set of pictures by their features.
struct FeatureSet {
  FeatureStatistics statistics;
  torch::Tensor features;  ///< N x D in fp32; undefined where they weren't kept
};

struct FeatureOptions {
  std::int64_t batch = 16;                      ///< pictures at a time in the network
  bool keep = true;                             ///< the vectors too, which all but the Frechet distance need
  torch::Device device = torch::kCPU;           ///< where the network is
  std::vector<std::string> layers{};            ///< empty: the network's pooled_layers()
  std::vector<std::filesystem::path> others{};  ///< folders below, of pictures that don't belong to a folder's
};

/// Gathers the features of pictures one by one; the network sees them in batches.
class FeatureGatherer {
 public:
  /// The network must be on the device of the options already.
  explicit FeatureGatherer(FeatureNetworkPtr network, FeatureOptions options = {});
  void add(const Image& picture);
  /// Of all pictures added so far. Throws Error(data) for fewer than two.
  FeatureSet result();

 private:
  void flush();
  FeatureNetworkPtr network_;
  FeatureOptions options_;
  std::vector<torch::Tensor> waiting_, kept_;
  StatisticsGatherer statistics_;
};

struct FolderFeatures {
  FeatureSet set;
  std::vector<std::string> unreadable;  ///< pictures that couldn't be read, one message each, that names the file
};

/// The features of all pictures below a folder, see list_pictures(). `progress` is told how many of how many are done.
/// Throws Error(data) where fewer than two can be read, and Error(interrupted).
FolderFeatures features_of_folder(const std::filesystem::path& folder, const FeatureNetworkPtr& network,
                                  const FeatureOptions& options = {},
                                  const std::function<void(std::size_t done, std::size_t total)>& progress = {});

}  // namespace ganvas
