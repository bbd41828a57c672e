#include "commands/lpips_meter.hpp"

#include <fmt/core.h>
#include <torch/torch.h>

#include <algorithm>

#include "commands/network_file.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/threads.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

/// A file or name as given, or else a fetched file.
fs::path file_of(const std::string& given, const char* fetched) {
  return given.empty() ? cache_folder() / "models" / fetched : find_network_file(given);
}

Lpips load(const LpipsRequest& request) {
  const fs::path path = file_of(request.network, "squeezenet1_1-b8a52dc0.pth");
  const FeatureNetworkPtr network = load_feature_network(path);
  if (request.heads.empty() && !network->heads().empty()) return Lpips(network, {}, path.string());
  const bool vgg = network->architecture() == "vgg";
  return Lpips::load(network, file_of(request.heads, vgg ? "lpips-vgg.pth" : "lpips-squeeze.pth"));
}

torch::Tensor tensor_of(const Image& image, int width, int height) {
  const Image rgb = to_rgb(colour_part(to_depth(image, Depth::u8)));
  return tensor_from_image(rgb.pixels(cv::Rect(0, 0, width, height)).clone());
}

}  // namespace

LpipsMeter::LpipsMeter(const LpipsRequest& request, const std::string& device)
    : lpips_(load(request)), device_(parse_device(device)) {
  use_cpu_threads(0);
  lpips_.to(device_);
}

std::string LpipsMeter::name() const {
  const std::string network = lpips_.network()->architecture();
  if (network == "squeezenet1_1") return "lpips";
  return network == "small-features" ? "lpips (features)" : fmt::format("lpips ({})", network);
}

double LpipsMeter::distance(const Image& result, const Image& reference) const {
  const torch::InferenceMode inference;
  const int width = std::min(result.width(), reference.width()), height = std::min(result.height(), reference.height());
  const auto tensor = [&](const Image& image) { return tensor_of(image, width, height).to(device_); };
  return lpips_(tensor(result), tensor(reference)).item<double>();
}

}  // namespace ganvas::cli
