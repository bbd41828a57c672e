// Real-CUGAN (bilibili 2022) and the networks of waifu2x that it comes from, cunet and upcunet (nagadomi): two U-Nets
// of convolutions without padding in a row, the second of which corrects the first one's result.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/traced_operators.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/mixed.hpp"
#include "nn/paths.hpp"
#include "nn/token_blocks.hpp"
#include "nn/transposed_conv.hpp"

namespace ganvas::realcugan_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

Tensor lrelu(Tensor x) { return leaky_relu_of(std::move(x), 0.1); }

Tensor cropped(const Tensor& x, std::int64_t border) {
  return x.narrow(2, border, x.size(2) - 2 * border).narrow(3, border, x.size(3) - 2 * border);
}

/// A convolution without padding.
nn::Conv2d valid_conv(int in, int out, int kernel = 3, int stride = 1) {
  return make_conv(nn::Conv2dOptions(in, out, kernel).stride(stride));
}

TransposedConv make_up(int in, int out, int kernel, int stride, int padding) {
  WeightBudget::spend(std::int64_t{in} * out * kernel * kernel + out + 16);
  return TransposedConv(nn::ConvTranspose2dOptions(in, out, kernel).stride(stride).padding(padding));
}

class PairImpl final : public nn::Module {
 public:
  PairImpl(int in, int middle, int out, bool weighted)
      : conv1_(register_at(*this, "conv.0", valid_conv(in, middle))),
        conv2_(register_at(*this, "conv.2", valid_conv(middle, out))) {
    if (weighted) squeeze_ = register_module("seblock", ChannelAttention(out, std::max(1, out / 8), "conv1", "conv2"));
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = lrelu(conv2_->forward(lrelu(conv1_->forward(x))));
    return squeeze_ ? squeeze_->forward(y) : y;
  }

 private:
  nn::Conv2d conv1_, conv2_;
  ChannelAttention squeeze_{nullptr};
};
TORCH_MODULE(Pair);

/// The last layer of a U-Net: a transposed convolution that enlarges, or a plain one (scale 1).
struct Bottom {
  Bottom() = default;
  Bottom(nn::Module& owner, int in, int out, int scale) {
    if (scale == 1) plain = register_at(owner, "conv_bottom", valid_conv(in, out));
    else if (scale == 2) up = register_at(owner, "conv_bottom", make_up(in, out, 4, 2, 3));
    else up = register_at(owner, "conv_bottom", make_up(in, out, 5, 3, 2));
  }
  Tensor forward(const Tensor& x) { return up ? output_conv(*up, x) : output_conv(plain, x); }
  nn::Conv2d plain{nullptr};
  TransposedConv up{nullptr};
};

/// One reduction: loses 16 pixels of its input's side, then the bottom.
class UNet1Impl final : public nn::Module {
 public:
  UNet1Impl(int in, int out, int width, int scale)
      : conv1_(register_module("conv1", Pair(in, std::max(1, width / 2), width, false))),
        down1_(register_module("conv1_down", valid_conv(width, width, 2, 2))),
        conv2_(register_module("conv2", Pair(width, 2 * width, width, true))),
        up2_(register_module("conv2_up", make_up(width, width, 2, 2, 0))),
        conv3_(register_module("conv3", valid_conv(width, width))),
        bottom_(*this, width, out, scale) {}
  Tensor forward(const Tensor& picture) {
    const Tensor a = conv1_->forward(picture.to(down1_->weight.scalar_type()));
    const Tensor b = conv2_->forward(lrelu(down1_->forward(a)));
    return bottom_.forward(lrelu(conv3_->forward(cropped(a, 4) + lrelu(up2_->forward(b)))));
  }

 private:
  Pair conv1_;
  nn::Conv2d down1_;
  Pair conv2_;
  TransposedConv up2_;
  nn::Conv2d conv3_;
  Bottom bottom_;
};
TORCH_MODULE(UNet1);

/// Two reductions: loses 40 pixels of its input's side.
class UNet2Impl final : public nn::Module {
 public:
  UNet2Impl(int in, int out, int width)
      : conv1_(register_module("conv1", Pair(in, std::max(1, width / 2), width, false))),
        down1_(register_module("conv1_down", valid_conv(width, width, 2, 2))),
        conv2_(register_module("conv2", Pair(width, width, 2 * width, true))),
        down2_(register_module("conv2_down", valid_conv(2 * width, 2 * width, 2, 2))),
        conv3_(register_module("conv3", Pair(2 * width, 4 * width, 2 * width, true))),
        up3_(register_module("conv3_up", make_up(2 * width, 2 * width, 2, 2, 0))),
        conv4_(register_module("conv4", Pair(2 * width, width, width, true))),
        up4_(register_module("conv4_up", make_up(width, width, 2, 2, 0))),
        conv5_(register_module("conv5", valid_conv(width, width))),
        bottom_(*this, width, out, 1) {}
  Tensor forward(const Tensor& picture) {
    const Tensor a = conv1_->forward(picture.to(down1_->weight.scalar_type()));
    const Tensor b = conv2_->forward(lrelu(down1_->forward(a)));
    const Tensor c = conv3_->forward(lrelu(down2_->forward(b)));
    const Tensor d = conv4_->forward(cropped(b, 4) + lrelu(up3_->forward(c)));
    return bottom_.forward(lrelu(conv5_->forward(cropped(a, 16) + lrelu(up4_->forward(d)))));
  }

 private:
  Pair conv1_;
  nn::Conv2d down1_;
  Pair conv2_;
  nn::Conv2d down2_;
  Pair conv3_;
  TransposedConv up3_;
  Pair conv4_;
  TransposedConv up4_;
  nn::Conv2d conv5_;
  Bottom bottom_;
};
TORCH_MODULE(UNet2);

class RealCugan final : public Generator {
 public:
  explicit RealCugan(const nlohmann::json& config)
      : channels_(positive(config, "in_channels", 3)),
        width_(positive(config, "width", 64)),
        scale_(positive(config, "scale", 2)),
        fast_(truth(config, "fast", false)),
        middle_(positive(config, "middle", shuffles() ? 64 : channels_)),
        pro_(truth(config, "pro", false)),
        repeated_(truth(config, "repeated_edge", scale_ == 1)) {
    check_keys(config, {"in_channels", "width", "scale", "fast", "middle", "pro", "repeated_edge"});
    if (scale_ > 4) fail(ErrorKind::recipe, "scale: {} is more than 4", scale_);
    if (fast_ && scale_ != 2) fail(ErrorKind::recipe, "fast: there is only one of scale 2");
    if (width_ > 4096 || width_ % 2 != 0) fail(ErrorKind::recipe, "width: {} is odd or more than 4096", width_);
    if (!shuffles() && middle_ != channels_)
      fail(ErrorKind::recipe, "middle: {}; between the U-Nets of scale {} is a picture", middle_, scale_);
    if (pro_) register_buffer("pro", torch::zeros({1}));
    first_ =
        register_module("unet1", UNet1(fast_ ? 4 * channels_ : channels_, middle_, width_, scale_ == 4 ? 2 : scale_));
    second_ = register_module("unet2", UNet2(middle_, middle_, width_));
    if (shuffles()) last_ = register_module("conv_final", valid_conv(middle_, 4 * channels_));
  }

  Tensor forward(const Tensor& input) override {
    const Tensor picture = pro_ ? input * 0.7 + 0.15 : input;
    Tensor x = pad_around(picture, margin(), multiple(), repeated_ ? Border::repeated : Border::reflected);
    if (fast_) x = torch::pixel_unshuffle(x, 2);
    x = first_->forward(x);
    x = second_->forward(x) + cropped(x, 20);
    if (shuffles()) x = torch::pixel_shuffle(cropped(output_conv(last_, x), 1), 2);
    if (shuffles()) {
      const Tensor base = surround(picture, 0, multiple(), 1, "reflect").to(x.scalar_type());
      x = x + enlarge_nearest(base, scale_);
    }
    x = cut_to(x, input, scale_);
    if (pro_) x = (x - 0.15) / 0.7;
    // As nunif runs its own; training has to see by how much it is beyond.
    return repeated_ && !is_training() ? x.clamp(0, 1) : x;
  }

  GeneratorInfo info() const override {
    return {.scale = scale_,
            .in_channels = channels_,
            .out_channels = channels_,
            .multiple = multiple(),
            .halo = margin() + multiple(),
            .global = true,
            .live_values = 4 * width_ *
                           (fast_         ? 1
                            : scale_ == 4 ? 4
                                          : scale_ * scale_)};
  }
  std::string architecture() const override { return "realcugan"; }
  nlohmann::json config() const override {
    return {{"in_channels", channels_}, {"width", width_}, {"scale", scale_},           {"fast", fast_},
            {"middle", middle_},        {"pro", pro_},     {"repeated_edge", repeated_}};
  }
  void soften_pixel_shuffles() override {
    if (shuffles()) repeat_for_pixel_shuffle(last_->weight, 2);
  }

 private:
  /// Ends in a pixel shuffle, onto the enlarged picture.
  bool shuffles() const { return scale_ == 4 || fast_; }
  int margin() const { return fast_ ? 38 : scale_ == 1 ? 28 : scale_ == 2 ? 18 : scale_ == 3 ? 14 : 19; }
  /// Both reductions of the second U-Net must come out even. (Published code of the fast one says 2, and fails where
  /// that isn't 4.)
  int multiple() const { return scale_ == 1 || scale_ == 3 || fast_ ? 4 : 2; }

  int channels_, width_, scale_;
  bool fast_;
  int middle_;
  bool pro_, repeated_;
  UNet1 first_{nullptr};
  UNet2 second_{nullptr};
  nn::Conv2d last_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("unet1.conv1.conv.0.weight") || !weights.contains("unet2.conv_bottom.weight") ||
      !weights.contains("unet1.conv2.seblock.conv1.weight"))
    return std::nullopt;
  const std::string bottom = "unet1.conv_bottom.weight";
  const int in = size_of(weights, "unet1.conv1.conv.0.weight", 4, 1);
  const int middle = size_of(weights, "unet2.conv_bottom.weight", 4, 0);
  const bool shuffles = weights.contains("conv_final.weight");
  int scale = 1, channels = in;
  bool fast = false;
  if (shuffles) {
    channels = size_of(weights, "conv_final.weight", 4, 0) / 4;
    fast = in == 4 * channels;
    scale = fast ? 2 : 4;
  } else {
    const int kernel = size_of(weights, bottom, 4, 2);
    scale = kernel == 4 ? 2 : kernel == 5 ? 3 : 1;
  }
  // nunif's upcunet has the weights of Real-CUGAN x2, and repeats the edge where that reflects.
  const bool nunif = scale == 1 || NameInFile::current() == "waifu2x.upcunet";
  return Detected{{{"in_channels", channels},
                   {"width", size_of(weights, "unet1.conv1_down.weight", 4, 0)},
                   {"scale", scale},
                   {"fast", fast},
                   {"middle", middle},
                   {"pro", weights.contains("pro")},
                   {"repeated_edge", nunif}},
                  weights,
                  scale == 1 ? "waifu2x cunet (nunif)"
                  : nunif    ? "waifu2x upcunet (nunif)"
                             : "Real-CUGAN"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "realcugan",
          .summary = "Real-CUGAN x2, x3, x4 (bilibili 2022); waifu2x cunet and upcunet: two U-Nets for drawings",
          .order = 32,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<RealCugan>(config); },
          .examples = {{{"width", 4}, {"scale", 2}},
                       {{"width", 4}, {"scale", 3}, {"in_channels", 1}, {"pro", true}},
                       {{"width", 4}, {"scale", 4}, {"middle", 6}},
                       {{"width", 4}, {"scale", 2}, {"middle", 6}, {"fast", true}},
                       {{"width", 4}, {"scale", 1}}}};
}

}  // namespace ganvas::realcugan_plugin
