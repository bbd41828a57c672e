#include "ganvas/distribution/features.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_files.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace fs = std::filesystem;

namespace ganvas {

torch::Tensor fitted_picture(const Image& image, int side) {
  const Image rgb = to_depth(to_rgb(colour_part(image)), Depth::f32);
  return tensor_from_image(resize(rgb, side, side, Interpolation::pillow).pixels);
}

torch::Tensor pooled_features(FeatureNetwork& network, const torch::Tensor& images,
                              const std::vector<std::string>& layers) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> means;
  for (const auto& output : network.features(images, layers.empty() ? network.pooled_layers() : layers))
    means.push_back(output.to(torch::kFloat).mean({2, 3}));
  return torch::cat(means, 1);
}

FeatureGatherer::FeatureGatherer(FeatureNetworkPtr network, FeatureOptions options)
    : network_(std::move(network)), options_(std::move(options)) {}

void FeatureGatherer::add(const Image& picture) {
  waiting_.push_back(fitted_picture(picture, network_->picture_side()));
  if (static_cast<std::int64_t>(waiting_.size()) >= options_.batch) flush();
}

void FeatureGatherer::flush() {
  if (waiting_.empty()) return;
  const torch::Tensor images = torch::cat(waiting_).to(options_.device);
  waiting_.clear();
  const torch::Tensor features = pooled_features(*network_, images, options_.layers).to(torch::kCPU);
  statistics_.add(features);
  if (options_.keep) kept_.push_back(features);
}

FeatureSet FeatureGatherer::result() {
  flush();
  FeatureSet set{statistics_.result(), {}};
  if (options_.keep) set.features = torch::cat(kept_);
  return set;
}

FolderFeatures features_of_folder(const fs::path& folder, const FeatureNetworkPtr& network,
                                  const FeatureOptions& options,
                                  const std::function<void(std::size_t done, std::size_t total)>& progress) {
  const auto files = list_pictures(folder, {.others = options.others});
  FolderFeatures result;
  FeatureGatherer gatherer(network, options);
  for (std::size_t i = 0; i < files.size(); ++i) {
    throw_if_interrupted();
    try {
      if (!files[i].problem.empty()) fail(ErrorKind::file, "{}: {}", files[i].path.string(), files[i].problem);
      gatherer.add(read_image(files[i].path).image);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::file) throw;
      result.unreadable.emplace_back(error.what());
    }
    if (progress) progress(i + 1, files.size());
  }
  const std::size_t readable = files.size() - result.unreadable.size();
  if (readable < 2)
    fail(ErrorKind::data, "{}: a distribution needs at least 2 pictures; {} there that can be read{}", folder.string(),
         readable == 1 ? "1 is" : "none is", result.unreadable.empty() ? "" : ": " + result.unreadable.front());
  result.set = gatherer.result();
  return result;
}

}  // namespace ganvas
