// FastGAN's generator (Liu et al. 2021, "Towards Faster and Stabilized GAN Training"): features of low resolution gate
// those of high resolution. For reading and generating: spectral norms are folded into the weights.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/paths.hpp"

namespace ganvas::fastgan_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// Widths at 4, 8, 16 ... 1024 pixels, in units of the base width; the last three are halves, quarters and eighths.
constexpr std::array<int, 9> eighths{128, 64, 32, 16, 16, 8, 4, 2, 1};

nn::Conv2d plain_conv(int in, int out, int kernel, int padding) {
  WeightBudget::spend(static_cast<std::int64_t>(in) * out * kernel * kernel);
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).padding(padding).bias(false));
}

/// Noise of one strength for all channels.
class NoiseLayer final : public nn::Module {
 public:
  NoiseLayer() { strength_ = register_parameter("weight", torch::zeros({1})); }
  Tensor forward(const Tensor& x, LayerNoise noise) {
    if (noise != LayerNoise::random) return x;  // no planes of its own to be constant
    return x + strength_ * torch::randn({x.size(0), 1, x.size(2), x.size(3)}, x.options());
  }

 private:
  Tensor strength_;
};

/// nearest x2, then once or twice: convolution, [noise,] batch norm, gated linear unit.
class UpBlock final : public nn::Module {
 public:
  UpBlock(int in, int out, bool noisy) : noisy_(noisy) {
    int index = 1;
    for (int i = 0; i < (noisy ? 2 : 1); ++i, ++index) {
      convs_.push_back(register_module(fmt::format("{}", index++), plain_conv(i == 0 ? in : out, 2 * out, 3, 1)));
      if (noisy) noises_.push_back(register_module(fmt::format("{}", index++), std::make_shared<NoiseLayer>()));
      norms_.push_back(register_module(fmt::format("{}", index++), nn::BatchNorm2d(2 * out)));
    }
  }
  Tensor forward(const Tensor& x, LayerNoise noise) {
    Tensor y = enlarge_nearest(x, 2);
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      y = convs_[i]->forward(y);
      if (noisy_) y = noises_[i]->forward(y, noise);
      y = torch::glu(norms_[i]->forward(y), 1);
    }
    return y;
  }

 private:
  bool noisy_;
  std::vector<nn::Conv2d> convs_;
  std::vector<std::shared_ptr<NoiseLayer>> noises_;
  std::vector<nn::BatchNorm2d> norms_;
};

/// What low resolution says of each channel of high resolution (skip-layer excitation, section 3.1).
class Excitation final : public nn::Module {
 public:
  Excitation(int in, int out) {
    first_ = register_at(*this, "main.1", plain_conv(in, out, 4, 0));
    second_ = register_at(*this, "main.3", plain_conv(out, out, 1, 0));
  }
  Tensor forward(const Tensor& low, const Tensor& high) {
    const Tensor gate = second_->forward(torch::silu(first_->forward(torch::adaptive_avg_pool2d(low, {4, 4}))));
    return high * torch::sigmoid(gate);
  }

 private:
  nn::Conv2d first_{nullptr}, second_{nullptr};
};

class FastGan final : public NoiseGenerator {
 public:
  explicit FastGan(const nlohmann::json& config)
      : noise_(positive(config, "noise", 256)),
        width_(positive(config, "width", 64)),
        channels_(positive(config, "channels", 3)),
        size_(positive(config, "size", 256)) {
    check_keys(config, {"noise", "width", "channels", "size"});
    if (size_ != 256 && size_ != 512 && size_ != 1024) fail(ErrorKind::recipe, "fastgan: size: 256, 512 or 1024");
    WeightBudget::spend(32 * static_cast<std::int64_t>(noise_) * width_at(0));
    start_ = register_at(*this, "init.init.0",
                         nn::ConvTranspose2d(nn::ConvTranspose2dOptions(noise_, 2 * width_at(0), 4).bias(false)));
    start_norm_ = register_at(*this, "init.init.1", nn::BatchNorm2d(2 * width_at(0)));
    for (int i = 1; (4 << i) <= size_; ++i) {
      const bool noisy = i % 2 == 1 && i < 8;
      blocks_.push_back(register_module(fmt::format("feat_{}", 4 << i),
                                        std::make_shared<UpBlock>(width_at(i - 1), width_at(i), noisy)));
    }
    for (int i = 4; (4 << i) <= std::min(size_, 512); ++i)
      gates_.push_back(
          register_module(fmt::format("se_{}", 4 << i), std::make_shared<Excitation>(width_at(i - 4), width_at(i))));
    small_ = register_module("to_128", plain_conv(width_at(5), channels_, 1, 0));
    big_ = register_module("to_big", plain_conv(width_at(static_cast<int>(blocks_.size())), channels_, 3, 1));
  }

  NoiseGeneratorInfo info() const override {
    return {.noise = noise_, .channels = channels_, .height = size_, .width = size_, .layer_noise = true};
  }
  Tensor map(const Tensor& noise, const Tensor&) override { return noise.unsqueeze(1); }
  Tensor synthesise(const Tensor& styles, LayerNoise noise) override {
    std::vector<Tensor> features{
        torch::glu(start_norm_->forward(start_->forward(styles.reshape({styles.size(0), -1, 1, 1}))), 1)};
    for (std::size_t i = 1; i <= blocks_.size(); ++i) {
      Tensor x = blocks_[i - 1]->forward(features.back(), noise);
      if (i >= 4 && i - 4 < gates_.size()) x = gates_[i - 4]->forward(features[i - 4], x);
      features.push_back(x);
    }
    const Tensor picture = big_->forward(features.back()).to(torch::kFloat);
    return size_ == 1024 ? torch::tanh(picture) : picture;
  }
  std::string architecture() const override { return "fastgan"; }
  nlohmann::json config() const override {
    return {{"noise", noise_}, {"width", width_}, {"channels", channels_}, {"size", size_}};
  }

 private:
  int width_at(int level) const { return std::max(1, width_ * eighths[static_cast<std::size_t>(level)] / 8); }

  int noise_, width_, channels_, size_;
  nn::ConvTranspose2d start_{nullptr};
  nn::BatchNorm2d start_norm_{nullptr};
  std::vector<std::shared_ptr<UpBlock>> blocks_;
  std::vector<std::shared_ptr<Excitation>> gates_;
  nn::Conv2d small_{nullptr}, big_{nullptr};
};

/// weight_orig / (u^T W v), as the norm computes it in evaluation; transposed convolutions have outputs second.
Tensor without_spectral_norm(const StateDict& file, const std::string& stem, const Tensor& weight) {
  const Tensor &u = file.at(stem + "_u"), &v = file.at(stem + "_v");
  const Tensor matrix = (u.numel() == weight.size(0) ? weight : weight.transpose(0, 1)).flatten(1);
  if (u.numel() != matrix.size(0) || v.numel() != matrix.size(1))
    fail(ErrorKind::model, "'{}_u' and '{}_v' don't fit their weight", stem, stem);
  return weight /
         torch::dot(u.flatten().to(torch::kFloat), torch::mv(matrix.to(torch::kFloat), v.flatten().to(torch::kFloat)));
}

std::optional<Detected> detect(const StateDict& file) {
  if (!file.has_prefix("init.init.0.weight") || !file.has_prefix("to_big.weight") || !file.has_prefix("se_64.main."))
    return std::nullopt;
  Detected found;
  found.layout = "FastGAN";
  for (const auto& [key, value] : file) {
    if (key.ends_with(".weight_u") || key.ends_with(".weight_v")) continue;
    const bool normed = key.ends_with(".weight_orig");
    const std::string stem = normed ? key.substr(0, key.size() - 5) : key;  // ends in .weight
    found.weights.set(stem, normed ? without_spectral_norm(file, stem, value) : value);
  }
  const Tensor& first = found.weights.at("init.init.0.weight");
  int size = 256;
  while (size < 1024 && found.weights.has_prefix(fmt::format("feat_{}.", 2 * size))) size *= 2;
  const Tensor& picture = conv_weight(found.weights, "to_128");
  found.config = {{"noise", first.size(0)}, {"width", picture.size(1)}, {"channels", picture.size(0)}, {"size", size}};
  return found;
}

}  // namespace

NoiseGeneratorPlugin plugin() {
  return {.name = "fastgan",
          .summary = "FastGAN: low resolution gates high resolution; read and generated from (Liu et al. 2021)",
          .order = 40,
          .detect = detect,
          .make = [](const nlohmann::json& config) -> NoiseGeneratorPtr { return std::make_shared<FastGan>(config); },
          .examples = {{{"noise", 4}, {"width", 4}}}};
}

}  // namespace ganvas::fastgan_plugin
