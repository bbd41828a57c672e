#include "ganvas/infer/noise_pictures.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/numpy_random.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/settle.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "infer/alone.hpp"
#include "infer/in_order.hpp"
#include "infer/walk.hpp"

namespace ganvas {

using torch::Tensor;

NoisePictures::NoisePictures(LoadedNoiseGenerator loaded, const GenerateOptions& options)
    : network_(std::move(loaded.network)),
      class_names_(std::move(loaded.class_names)),
      device_(parse_device(options.run.device)),
      layer_noise_(options.layer_noise),
      numpy_seeds_(options.numpy_seeds),
      at_once_(device_.is_cuda() || layer_noise_ == LayerNoise::random ? 1 : torch::get_num_threads()) {
  network_->to(device_);
  settle(*network_);
  if (device_.is_cpu()) use_channels_last(*network_);
  if (options.latents.empty()) return;
  latents_ = read_latents(options.latents, *network_);
  const torch::NoGradGuard no_grad;
  for (auto& [key, plane] : network_->noise_planes())
    for (const auto& [stored, values] : latents_->planes)
      if (stored == key) plane.copy_(values);
}

int NoisePictures::class_of(const std::string& name) const {
  if (class_names_.empty()) fail(ErrorKind::usage, "class '{}': the network knows no classes", name);
  const auto found = std::find(class_names_.begin(), class_names_.end(), name);
  if (found == class_names_.end())
    fail(ErrorKind::usage, "class '{}' is unknown to the network; it knows {}", name, fmt::join(class_names_, ", "));
  return static_cast<int>(found - class_names_.begin());
}

Tensor NoisePictures::noise_of(std::int64_t seed) const {
  if (latents_) return latents_->noise.narrow(0, seed, 1).to(device_);
  const int count = network_->info().noise;
  Tensor noise = torch::empty({1, count});
  float* values = noise.data_ptr<float>();
  if (numpy_seeds_) {
    NumpyRandom random(static_cast<std::uint32_t>(seed));
    for (int i = 0; i < count; ++i) values[i] = static_cast<float>(random.normal());
  } else {
    Rng random = Rng::for_item(static_cast<std::uint64_t>(seed), 0);
    for (int i = 0; i < count; ++i) values[i] = static_cast<float>(random.normal());
  }
  return noise.to(device_);
}

/// 1 x classes, one-hot; undefined without any.
Tensor NoisePictures::class_vector(const NoisePicture& picture) const {
  const int classes = network_->info().classes;
  if (classes == 0) return {};
  Tensor label = torch::zeros({1, classes}, device_);
  const bool stored = latents_ && !latents_->classes.empty();
  label[0][stored ? latents_->classes.at(static_cast<std::size_t>(picture.seed)) : picture.class_index] = 1;
  return label;
}

Tensor NoisePictures::pulled(const Tensor& styles, double truncation) {
  if (truncation == 1.0) return styles;
  const AloneScope alone;
  const Tensor mean = network_->mean_style();
  if (!mean.defined())
    fail(ErrorKind::usage, "truncation goes towards the mean style, and {} has no styles", network_->architecture());
  return truncated(styles, mean, truncation);
}

Tensor NoisePictures::mapped(const Tensor& noise, const Tensor& classes, double truncation) {
  const torch::NoGradGuard no_grad;
  const AloneScope alone;
  return pulled(network_->map(noise, classes), truncation);
}

Tensor NoisePictures::styles_of(const NoisePicture& picture) {
  const torch::NoGradGuard no_grad;
  if (latents_are_styles()) return pulled(latents_->styles.narrow(0, picture.seed, 1).to(device_), picture.truncation);
  return mapped(noise_of(picture.seed), class_vector(picture), picture.truncation);
}

Tensor NoisePictures::styles_between(const std::vector<NoisePicture>& stops, double place, WalkPath path, bool loop) {
  const torch::NoGradGuard no_grad;
  const bool between_styles = network_->info().style > 0;
  if (path == WalkPath::automatic) path = between_styles || latents_are_styles() ? WalkPath::linear : WalkPath::slerp;
  std::vector<Tensor> points, classes;
  if (latents_are_styles() || (between_styles && path != WalkPath::slerp)) {
    if (path == WalkPath::slerp)
      fail(ErrorKind::usage, "slerp leads through noise, and the file of latents holds styles; linear and cubic do");
    for (const auto& stop : stops) points.push_back(styles_of(stop));
    return walked(points, place, path, loop);
  }
  for (const auto& stop : stops) points.push_back(noise_of(stop.seed));
  for (const auto& stop : stops)
    if (const Tensor label = class_vector(stop); label.defined()) classes.push_back(label);
  const Tensor label = classes.empty() ? Tensor() : walked(classes, place, WalkPath::linear, loop);
  return mapped(walked(points, place, path, loop), label, stops.front().truncation);
}

void NoisePictures::need_styles(const char* what) const {
  if (network_->info().style == 0)
    fail(ErrorKind::usage, "{} is about the styles of layers, and {} has none; networks like stylegan2 do", what,
         network_->architecture());
}

std::vector<std::int64_t> NoisePictures::layers_or_all(const std::vector<int>& layers) const {
  std::vector<std::int64_t> all;
  const int known = network_->info().layers;
  for (const int layer : layers) {
    if (layer >= known) fail(ErrorKind::usage, "layer {}: the network has the layers 0 to {}", layer, known - 1);
    all.push_back(layer);
  }
  if (layers.empty())
    for (int layer = 0; layer < known; ++layer) all.push_back(layer);
  return all;
}

Tensor NoisePictures::styles_mixed(const NoisePicture& a, const NoisePicture& b, const std::vector<int>& layers) {
  need_styles("mixing");
  const std::vector<std::int64_t> places = layers_or_all(layers);
  const Tensor from = styles_of(b);
  Tensor styles = styles_of(a).clone();
  for (const std::int64_t layer : places) styles.select(1, layer).copy_(from.select(1, layer));
  return styles;
}

Tensor NoisePictures::directions(int count, const std::vector<int>& layers) {
  need_styles("a direction");
  const torch::NoGradGuard no_grad;
  const std::vector<Tensor> weights = network_->modulations();
  std::vector<Tensor> chosen;
  for (const std::int64_t layer : layers_or_all(layers))
    if (layer < static_cast<std::int64_t>(weights.size())) chosen.push_back(weights[static_cast<std::size_t>(layer)]);
  if (chosen.empty()) fail(ErrorKind::usage, "the last layer makes the picture itself and has no directions");
  const int style = network_->info().style;
  if (count > style) fail(ErrorKind::usage, "{} directions: a style has {}", count, style);
  const Tensor all = torch::cat(chosen).to(torch::kCPU, torch::kDouble);
  // Eigenvectors of the small square, weakest first.
  const Tensor vectors = std::get<1>(torch::linalg_eigh(torch::matmul(all.t(), all), "L"));
  Tensor found = vectors.flip({1}).narrow(1, 0, count).t().contiguous();
  // A vector and its opposite are the same direction: the largest part shall be positive.
  const Tensor largest = found.gather(1, found.abs().argmax(1, true));
  return (found * largest.sign()).to(torch::kFloat).to(device_);
}

Tensor NoisePictures::styles_moved(const Tensor& styles, const Tensor& shift, const std::vector<int>& layers) {
  Tensor moved = styles.clone();
  for (const std::int64_t layer : layers_or_all(layers)) moved.select(1, layer).add_(shift);
  return moved;
}

Image NoisePictures::picture_of(const Tensor& styles, std::int64_t layer_seed) {
  const AloneScope alone;
  const torch::NoGradGuard no_grad;
  if (layer_noise_ == LayerNoise::random) torch::manual_seed(static_cast<std::uint64_t>(layer_seed));
  const Tensor picture = network_->synthesise(styles, layer_noise_);
  const NoiseGeneratorInfo info = network_->info();
  return image_from_tensor(picture.cpu(), Depth::u8, info.value_high, info.value_low);
}

std::vector<Image> NoisePictures::make_all(const std::vector<StyledPicture>& wanted) {
  const AloneScope alone;
  std::vector<Image> pictures(wanted.size());
  InOrder<Image>::run(
      wanted.size(), at_once_, AloneScope::begin_thread,
      [&](std::size_t i) {
        throw_if_interrupted();
        return wanted[i].styles ? picture_of(wanted[i].styles(), wanted[i].layer_seed) : Image();
      },
      [&](std::size_t i, Image picture) {
        pictures[i] = std::move(picture);
        return true;
      });
  return pictures;
}

}  // namespace ganvas
