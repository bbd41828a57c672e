#include "ganvas/infer/noise_pictures.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/core/numpy_random.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas {

using torch::Tensor;

NoisePictures::NoisePictures(LoadedNoiseGenerator loaded, const GenerateOptions& options)
    : network_(std::move(loaded.network)),
      class_names_(std::move(loaded.class_names)),
      device_(parse_device(options.run.device)),
      layer_noise_(options.layer_noise),
      numpy_seeds_(options.numpy_seeds) {
  network_->to(device_);
}

int NoisePictures::class_of(const std::string& name) const {
  if (class_names_.empty()) fail(ErrorKind::usage, "class '{}': the network knows no classes", name);
  const auto found = std::find(class_names_.begin(), class_names_.end(), name);
  if (found == class_names_.end())
    fail(ErrorKind::usage, "class '{}' is unknown to the network; it knows {}", name, fmt::join(class_names_, ", "));
  return static_cast<int>(found - class_names_.begin());
}

Tensor NoisePictures::noise_of(std::int64_t seed) const {
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

Tensor NoisePictures::mapped(const Tensor& noise, const NoisePicture& picture) {
  const torch::NoGradGuard no_grad;
  const int classes = network_->info().classes;
  Tensor label;
  if (classes > 0) {
    label = torch::zeros({1, classes}, noise.options());
    label[0][picture.class_index] = 1;
  }
  const Tensor styles = network_->map(noise, label);
  if (picture.truncation == 1.0) return styles;
  const Tensor mean = network_->mean_style();
  if (!mean.defined())
    fail(ErrorKind::usage, "truncation goes towards the mean style, and {} has no styles", network_->architecture());
  return truncated(styles, mean, picture.truncation);
}

Tensor NoisePictures::styles_of(const NoisePicture& picture) { return mapped(noise_of(picture.seed), picture); }

Tensor NoisePictures::styles_between(const NoisePicture& a, const NoisePicture& b, double share) {
  if (network_->info().style > 0) return torch::lerp(styles_of(a), styles_of(b), share);
  const Tensor from = noise_of(a.seed), to = noise_of(b.seed);
  const double cosine = (from * to).sum().item<double>() / (from.norm() * to.norm()).item<double>();
  const double angle = std::acos(std::clamp(cosine, -1.0, 1.0)), sine = std::sin(angle);
  if (sine < 1e-6) return mapped(torch::lerp(from, to, share), a);
  return mapped(from * (std::sin((1 - share) * angle) / sine) + to * (std::sin(share * angle) / sine), a);
}

Image NoisePictures::picture_of(const Tensor& styles, std::int64_t layer_seed) {
  const torch::NoGradGuard no_grad;
  if (layer_noise_ == LayerNoise::random) torch::manual_seed(static_cast<std::uint64_t>(layer_seed));
  const Tensor picture = network_->synthesise(styles, layer_noise_);
  const NoiseGeneratorInfo info = network_->info();
  return image_from_tensor(picture.cpu(), Depth::u8, info.value_high, info.value_low);
}

}  // namespace ganvas
