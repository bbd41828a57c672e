// StyleGAN2 (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN") with skip connections of
// pictures, conditional as StyleGAN2-ADA (Karras et al. 2020). The keys are those of stylegan2-ada-pytorch; the layouts
// of rosinality and BasicSR are the same function under other names.
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <numbers>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/settle.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/equalised.hpp"
#include "nn/packed_conv.hpp"
#include "nn/paths.hpp"
#include "nn/styled_kernels.hpp"
#include "nn/stylegan2_layouts.hpp"

namespace ganvas::stylegan2_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr double mapping_rate = 0.01;

/// z and classes -> w.
class Mapping final : public nn::Module {
 public:
  Mapping(int noise, int classes, int style, int layers) {
    if (classes > 0) embed_ = register_module("embed", EqualLinear(classes, style));
    for (int i = 0; i < layers; ++i) {
      const int in = i > 0 ? style : noise + (classes > 0 ? style : 0);
      layers_.push_back(register_module(fmt::format("fc{}", i), EqualLinear(in, style, mapping_rate)));
    }
    mean = register_buffer("w_avg", torch::zeros({style}));
  }
  Tensor forward(const Tensor& noise, const Tensor& classes) {
    Tensor x = pixel_norm(noise);
    if (embed_) x = torch::cat({x, pixel_norm(embed_->forward(classes))}, 1);
    for (auto& layer : layers_) x = scaled_leaky_relu(layer->forward(x));
    return x;
  }

  Tensor mean;

 private:
  EqualLinear embed_{nullptr};
  std::vector<EqualLinear> layers_;
};

/// A convolution whose input channels are scaled by a style; instead of a kernel a picture, the picture is scaled
/// before and the result after, which is the same and a third of the work (equations 1 and 3).
class StyledConv final : public nn::Module, public Settles {
 public:
  struct Options {
    int in, out, kernel, style;
    bool up, demodulate;
    int height, width;  ///< of the result, for its noise; 0: none
  };
  explicit StyledConv(const Options& options) : options_(options) {
    const std::int64_t fan_in = static_cast<std::int64_t>(options.in) * options.kernel * options.kernel;
    WeightBudget::spend(fan_in * options.out);
    gain_ = 1.0 / std::sqrt(static_cast<double>(fan_in));
    weight_ = register_parameter("weight", torch::randn({options.out, options.in, options.kernel, options.kernel}));
    bias_ = register_parameter("bias", torch::zeros({options.out}));
    affine_ = register_module("affine", EqualLinear(options.style, options.in, 1.0, 1.0));
    if (options.height == 0) return;
    strength_ = register_parameter("noise_strength", torch::zeros({}));
    WeightBudget::spend(static_cast<std::int64_t>(options.height) * options.width);
    noise_ = register_buffer("noise_const", torch::randn({options.height, options.width}));
  }

  Tensor forward(const Tensor& x, const Tensor& w, LayerNoise layer_noise) {
    if (goes_alone(x)) return alone(x, w, layer_noise);
    const Tensor weight = weight_ * gain_;
    const Tensor style = [&] {
      const AutocastScope off(false, x.is_cuda());
      return affine_->forward(w);
    }();
    Tensor y = x * style.view({style.size(0), style.size(1), 1, 1}).to(x.scalar_type());
    if (options_.up) y = blur(torch::conv_transpose2d(y, weight.transpose(0, 1), {}, 2), 1, 1, 4.0);
    else y = torch::conv2d(y, weight, {}, 1, options_.kernel / 2);
    // The activation's gain is as well that of what goes into it, which is a few numbers for a plane.
    const double gain = options_.demodulate ? std::numbers::sqrt2 : 1.0;
    if (options_.demodulate) {
      const AutocastScope off(false, x.is_cuda());  // few numbers, and all of the picture hangs on them
      const Tensor size = torch::matmul(style.square(), weight.square().sum({2, 3}).t());
      const Tensor factor = torch::rsqrt(size + 1e-8) * gain;
      y = y * factor.view({factor.size(0), factor.size(1), 1, 1}).to(y.scalar_type());
    } else {
      y = y.to(torch::kFloat);  // the picture itself
    }
    if (options_.height > 0 && layer_noise != LayerNoise::none) {
      const Tensor noise = layer_noise == LayerNoise::random
                               ? torch::randn({y.size(0), 1, y.size(2), y.size(3)}, y.options())
                               : noise_.to(y.scalar_type());
      y = y + noise * (strength_ * gain);
    }
    y = y + (bias_ * gain).to(y.scalar_type()).view({1, -1, 1, 1});
    return options_.demodulate ? leaky_relu_of(y, 0.2) : y;
  }

  const Tensor& modulation() const { return affine_->weight; }

  void settle() override {
    const torch::NoGradGuard no_grad;
    const double gain = options_.demodulate ? std::numbers::sqrt2 : 1.0;
    const Tensor weight = weight_ * gain_;
    ready_.squares = weight.square().sum({2, 3}).t().contiguous();
    ready_.weight = weight.contiguous(at::MemoryFormat::ChannelsLast);
    if (options_.up) {
      for (int phase = 0; phase < 4; ++phase) {
        const auto at = static_cast<std::size_t>(phase);
        ready_.phases[at] =
            phase_of(phase_of(weight, 2, phase / 2), 3, phase % 2).contiguous(at::MemoryFormat::ChannelsLast);
        ready_.packed_phases[at] =
            PackedConv(ready_.phases[at], around_phase(phase), options_.height / 2, options_.width / 2);
      }
    } else if (options_.height > 0) {
      ready_.packed =
          PackedConv(ready_.weight, {options_.kernel / 2, options_.kernel / 2}, options_.height, options_.width);
    }
    ready_.bias = bias_ * gain;
    if (strength_.defined()) ready_.strength = strength_ * gain;
  }
  /// Whether alone() can be used.
  bool goes_alone(const Tensor& x) const {
    return ready_.weight.defined() && x.size(0) == 1 && has_styled_kernels(x) && has_styled_kernels(ready_.weight);
  }
  /// forward() of one picture with settled weights. The factors of a single style go where they meet fewer numbers: to
  /// the kernel of a large picture, as the paper has it, or to a small picture itself.
  Tensor alone(const Tensor& x, const Tensor& w, LayerNoise layer_noise) {
    const Tensor style = affine_->forward(w);
    Tensor factor;
    if (options_.demodulate)
      factor = torch::rsqrt_(torch::matmul(style.square(), ready_.squares).add_(1e-8)).mul_(std::numbers::sqrt2);
    Tensor weight = ready_.weight, picture = x;
    if (!options_.up && x.size(2) * x.size(3) > options_.kernel * options_.kernel * options_.out) {
      weight = weight * style.view({1, -1, 1, 1});
      if (factor.defined()) weight.mul_(factor.view({-1, 1, 1, 1}));
      factor = Tensor();
    } else {
      picture = x * style.view({1, -1, 1, 1});
    }
    if (!options_.demodulate) return torch::conv2d(picture, weight, ready_.bias, 1, options_.kernel / 2);
    Tensor noise;
    if (options_.height > 0 && layer_noise != LayerNoise::none)
      noise = (layer_noise == LayerNoise::random ? torch::randn({options_.height, options_.width}) : noise_) *
              ready_.strength;
    if (options_.up) return blur_and_finish(enlarged(picture), factor, noise, ready_.bias);
    Tensor y = ready_.packed ? ready_.packed(picture) : torch::conv2d(picture, weight, {}, 1, options_.kernel / 2);
    return finish_styled(y, factor, noise, ready_.bias);
  }

 private:
  /// Of a kernel of 3, what even (0) and odd (1) places of the result of a transposed convolution of stride 2 see along
  /// `dimension`: even ones the pixel before by the last weight and their own by the first, odd ones the middle.
  static Tensor phase_of(const Tensor& weight, int dimension, int odd) {
    if (odd == 1) return weight.narrow(dimension, 1, 1);
    return torch::cat({weight.narrow(dimension, 2, 1), weight.narrow(dimension, 0, 1)}, dimension);
  }
  static std::array<std::int64_t, 2> around_phase(int phase) { return {1 - phase / 2, 1 - phase % 2}; }
  /// conv_transpose2d of stride 2 as four convolutions, each for every second row and column: LibTorch has no fast
  /// transposed ones.
  std::array<Tensor, 4> enlarged(const Tensor& x) const {
    std::array<Tensor, 4> parts;
    for (int phase = 0; phase < 4; ++phase) {
      const auto at = static_cast<std::size_t>(phase);
      const PackedConv& packed = ready_.packed_phases[at];
      parts[at] = packed ? packed(x) : torch::conv2d(x, ready_.phases[at], {}, 1, around_phase(phase));
    }
    return parts;
  }

  /// What settled weights give.
  struct Ready {
    Tensor weight, squares, bias, strength;
    std::array<Tensor, 4> phases{};  ///< of an enlarging one, by odd row and odd column
    PackedConv packed{};             ///< where that is faster
    std::array<PackedConv, 4> packed_phases{};
  };
  Options options_;
  double gain_;
  Ready ready_;
  Tensor weight_, bias_, strength_, noise_;
  EqualLinear affine_{nullptr};
};

/// One resolution.
struct Level : nn::Module {
  std::shared_ptr<StyledConv> conv0, conv1, torgb;
  Tensor start;
};

class StyleGan2 final : public NoiseGenerator {
 public:
  explicit StyleGan2(const nlohmann::json& config)
      : noise_(positive(config, "noise", 512)),
        style_(positive(config, "style", noise_)),
        classes_(whole(config, "classes", 0)),
        channels_(positive(config, "channels", 3)),
        mapping_layers_(positive(config, "mapping_layers", 8)),
        start_height_(positive(config, "start_height", 4)),
        start_width_(positive(config, "start_width", 4)),
        widths_(numbers(config, "widths", {128, 128, 96, 64, 32})) {
    check_keys(config,
               {"noise", "style", "classes", "channels", "mapping_layers", "start_height", "start_width", "widths"});
    if (widths_.size() > 9) fail(ErrorKind::recipe, "stylegan2: widths: at most 9 levels");
    mapping_ = register_module("mapping", std::make_shared<Mapping>(noise_, classes_, style_, mapping_layers_));
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      auto level = std::make_shared<Level>();
      const int height = start_height_ << i, width = start_width_ << i;
      const auto styled = [&](const char* name, int in, int out, bool up) {
        return level->register_module(
            name, std::make_shared<StyledConv>(StyledConv::Options{in, out, 3, style_, up, true, height, width}));
      };
      if (i == 0)
        level->start = level->register_parameter("const", torch::randn({widths_[0], start_height_, start_width_}));
      else level->conv0 = styled("conv0", widths_[i - 1], widths_[i], true);
      level->conv1 = styled("conv1", widths_[i], widths_[i], false);
      level->torgb = level->register_module("torgb", std::make_shared<StyledConv>(StyledConv::Options{
                                                         widths_[i], channels_, 1, style_, false, false, 0, 0}));
      register_at(*this, fmt::format("synthesis.b{}", 4 << i), level);
      levels_.push_back(std::move(level));
    }
  }

  NoiseGeneratorInfo info() const override {
    const auto last = static_cast<int>(widths_.size()) - 1;
    return {.noise = noise_,
            .style = style_,
            .layers = 2 * last + 2,
            .classes = classes_,
            .channels = channels_,
            .height = start_height_ << last,
            .width = start_width_ << last,
            .layer_noise = true};
  }
  Tensor map(const Tensor& noise, const Tensor& classes) override {
    return mapping_->forward(noise, classes).unsqueeze(1).expand({noise.size(0), info().layers, style_});
  }
  Tensor synthesise(const Tensor& styles, LayerNoise layer_noise) override {
    Tensor x, picture;
    std::int64_t place = 0;
    const auto w = [&](std::int64_t at) { return styles.select(1, at); };
    for (auto& level : levels_) {
      if (level->start.defined()) {
        x = level->start.unsqueeze(0).expand({styles.size(0), -1, -1, -1});
      } else {
        x = level->conv0->forward(x, w(place++), layer_noise);
      }
      x = level->conv1->forward(x, w(place++), layer_noise);
      // A level's picture shares its style with the next level's first convolution.
      const Tensor rgb = level->torgb->forward(x, w(place), layer_noise);
      picture = picture.defined() ? add_enlarged(rgb, picture) : rgb;
    }
    return picture;
  }
  std::vector<Tensor> modulations() const override {
    std::vector<Tensor> weights;
    for (const auto& level : levels_) {
      if (level->conv0) weights.push_back(level->conv0->modulation());
      weights.push_back(level->conv1->modulation());
    }
    return weights;
  }
  /// Files without one (rosinality's) get the mean of 10,000 styles, as the published code makes it.
  Tensor mean_style() const override {
    if (!mapping_->mean.isnan().any().item<bool>()) return mapping_->mean;
    const torch::NoGradGuard no_grad;
    auto generator = torch::make_generator<at::CPUGeneratorImpl>(123);
    const Tensor noise = torch::randn({10000, noise_}, generator);
    mapping_->mean.copy_(mapping_->forward(noise.to(mapping_->mean.device()), {}).mean(0));
    return mapping_->mean;
  }
  void follow_mean(const Tensor& styles) override {
    const torch::NoGradGuard no_grad;
    mapping_->mean.lerp_(styles.detach().to(torch::kFloat).mean(0), 0.005);
  }
  std::string architecture() const override { return "stylegan2"; }
  nlohmann::json config() const override {
    return {{"noise", noise_},
            {"style", style_},
            {"classes", classes_},
            {"channels", channels_},
            {"mapping_layers", mapping_layers_},
            {"start_height", start_height_},
            {"start_width", start_width_},
            {"widths", widths_}};
  }

 private:
  static Tensor add_enlarged(const Tensor& rgb, const Tensor& smaller) {
    if (has_styled_kernels(rgb) && has_styled_kernels(smaller)) return plus_enlarged(rgb, smaller);
    return enlarge_filtered(smaller) + rgb;
  }

  int noise_, style_, classes_, channels_, mapping_layers_, start_height_, start_width_;
  std::vector<int> widths_;
  std::shared_ptr<Mapping> mapping_;
  std::vector<std::shared_ptr<Level>> levels_;
};

std::optional<Detected> detect(const StateDict& file) {
  auto found = stylegan2_generator_layout(file);
  if (!found) return std::nullopt;
  const StateDict& weights = found->weights;
  std::vector<int> widths;
  while (const Tensor* weight = weights.find(fmt::format("synthesis.b{}.conv1.weight", 4 << widths.size()))) {
    if (weight->dim() != 4 || widths.size() == 9) fail(ErrorKind::model, "synthesis has impossible shapes");
    widths.push_back(static_cast<int>(weight->size(0)));
  }
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (!weights.contains(fmt::format("synthesis.b{}.torgb.weight", 4 << i)))
      fail(ErrorKind::model,
           "its levels give no pictures of their own: StyleGAN2's 'orig' and 'resnet' generators are "
           "not known here");
  const Tensor &start = weights.at("synthesis.b4.const"), &first = weights.at("mapping.fc0.weight");
  if (start.dim() != 3 || first.dim() != 2) fail(ErrorKind::model, "its first layers have impossible shapes");
  const Tensor* embed = weights.find("mapping.embed.weight");
  const std::int64_t style = first.size(0), classes = embed && embed->dim() == 2 ? embed->size(1) : 0;
  found->config = {{"noise", first.size(1) - (classes > 0 ? style : 0)},
                   {"style", style},
                   {"classes", classes},
                   {"channels", weights.at("synthesis.b4.torgb.bias").numel()},
                   {"mapping_layers", count_layers(weights, "mapping.fc", ".weight")},
                   {"start_height", start.size(1)},
                   {"start_width", start.size(2)},
                   {"widths", widths}};
  if (!weights.contains("mapping.w_avg")) found->weights.set("mapping.w_avg", torch::full({style}, NAN));
  return found;
}

}  // namespace

NoiseGeneratorPlugin plugin() {
  return {.name = "stylegan2",
          .summary = "StyleGAN2: styles from a mapping network scale the features (Karras et al. 2020)",
          .order = 10,
          .detect = detect,
          .make = [](const nlohmann::json& config) -> NoiseGeneratorPtr { return std::make_shared<StyleGan2>(config); },
          .examples = {{{"noise", 8}, {"mapping_layers", 2}, {"widths", {8, 6, 4}}},
                       {{"noise", 6},
                        {"style", 8},
                        {"classes", 3},
                        {"mapping_layers", 1},
                        {"widths", {8, 4}},
                        {"channels", 1},
                        {"start_width", 6}}}};
}

}  // namespace ganvas::stylegan2_plugin
