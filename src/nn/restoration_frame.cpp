#include "nn/restoration_frame.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/mixed.hpp"
#include "nn/paths.hpp"
#include "nn/token_blocks.hpp"

namespace ganvas {

namespace nn = torch::nn;
using torch::Tensor;

namespace {

/// Mean colour of DIV2K's training pictures; published weights expect it, no file stores it.
const std::vector<double> mean_colour{0.4488, 0.4371, 0.4040};

const std::vector<std::string> frame_options{"in_channels", "out_channels", "channels",  "scale",
                                             "unshuffle",   "upsampler",    "features",  "residual_end",
                                             "img_range",   "zero_mean",    "patch_norm"};

/// The flipped picture behind the picture, again and again, cut to a multiple.
Tensor pad_flipped(const Tensor& x, std::int64_t multiple) {
  Tensor padded = x;
  for (const std::int64_t dim : {2, 3}) {
    const std::int64_t size = x.size(dim), wanted = (size + multiple - 1) / multiple * multiple;
    if (wanted == size) continue;
    std::vector<Tensor> parts{padded};
    for (std::int64_t there = size; there < wanted; there += size)
      parts.push_back(parts.size() % 2 == 1 ? padded.flip(dim) : padded);
    padded = torch::cat(parts, dim).narrow(dim, 0, wanted);
  }
  return padded;
}

}  // namespace

ResidualEnd::ResidualEnd(nn::Module& owner, const std::string& name, const std::string& kind, int channels) {
  if (kind == "1conv") {
    one_ = owner.register_module(name, make_conv(channels, channels));
  } else if (kind == "3conv") {
    const int quarter = std::max(1, channels / 4);
    const auto lrelu = nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2));
    three_ =
        owner.register_module(name, nn::Sequential(make_conv(channels, quarter), lrelu, make_conv(quarter, quarter, 1),
                                                   lrelu, make_conv(quarter, channels)));
  } else if (kind != "none") {
    fail(ErrorKind::recipe, "residual_end '{}': expected 1conv, 3conv or none", kind);
  }
}

Tensor ResidualEnd::forward(const Tensor& picture) {
  if (one_) return one_->forward(picture);
  return three_ ? three_->forward(picture) : picture;
}

Tensor ResidualEnd::forward_tokens(const Tensor& tokens) {
  return one_ || three_ ? to_tokens(forward(to_picture(tokens))) : tokens;
}

RestorationFrame::RestorationFrame(const nlohmann::json& config, const Style& style)
    : in_(positive(config, "in_channels", 3)),
      out_(positive(config, "out_channels", in_)),
      channels_(positive(config, "channels", 60)),
      scale_(positive(config, "scale", 4)),
      unshuffle_(positive(config, "unshuffle", 1)),
      features_(positive(config, "features", 64)),
      upsampler_(word(config, "upsampler", "pixelshuffle")),
      residual_end_(word(config, "residual_end", "1conv")),
      img_range_(real(config, "img_range", 1.0)),
      zero_mean_(truth(config, "zero_mean", in_ != 3 || out_ != 3)),
      patch_norm_(truth(config, "patch_norm", true)),
      style_(style),
      layers_(std::make_shared<nn::Module>()) {
  if (scale_ > 64 || unshuffle_ > 16) fail(ErrorKind::recipe, "scale: {} is more than 64", scale_);
  if (!(img_range_ > 0)) fail(ErrorKind::recipe, "img_range: {} is not positive", img_range_);
  if (!zero_mean_ && (in_ != 3 || out_ != 3)) fail(ErrorKind::recipe, "zero_mean: the mean colour is one of RGB");
  const nn::Conv2d first = make_conv(in_ * unshuffle_ * unshuffle_, channels_);
  first_ = first;
  if (unshuffle_ > 1) register_module("conv_first", nn::Sequential(nn::PixelUnshuffle(unshuffle_), first));
  else register_module("conv_first", first);
  if (patch_norm_) {
    first_norm_ = register_at(*this, style_.first_norm, make_token_norm(channels_));
  }
  register_module("layers", layers_);
  norm_ = register_module("norm", make_token_norm(channels_));
  after_body_ = ResidualEnd(*this, "conv_after_body", residual_end_, channels_);
  const auto before_upsample = [&] {
    before_ = make_conv(channels_, features_);
    register_module("conv_before_upsample", nn::Sequential(before_, nn::LeakyReLU()));
  };
  if (upsampler_ == "pixelshuffle") {
    steps_ = upsampler_steps(scale_);
    before_upsample();
    upsample_ = register_module("upsample", make_upsampler(features_, scale_));
    last_ = register_module("conv_last", make_conv(features_, out_));
  } else if (upsampler_ == "pixelshuffledirect") {
    last_ = make_conv(channels_, out_ * scale_ * scale_);
    register_module("upsample", nn::Sequential(last_, nn::PixelShuffle(scale_)));
  } else if (upsampler_ == "nearest+conv") {
    steps_ = upsampler_steps(scale_);
    if (scale_ == 3 || scale_ == 1)
      fail(ErrorKind::recipe, "scale: {} is nothing for the upsampler nearest+conv", scale_);
    before_upsample();
    for (std::size_t i = 0; i < steps_.size(); ++i)
      ups_.push_back(register_module(fmt::format("conv_up{}", i + 1), make_conv(features_, features_)));
    hr_ = register_module("conv_hr", make_conv(features_, features_));
    last_ = register_module("conv_last", make_conv(features_, out_));
  } else if (upsampler_ == "none") {
    if (scale_ != 1 || in_ != out_)
      fail(ErrorKind::recipe, "upsampler none: scale 1 and as many channels out as in, not {}, {} and {}", scale_, in_,
           out_);
    last_ = register_module("conv_last", make_conv(channels_, out_));
  } else {
    fail(ErrorKind::recipe, "upsampler '{}': expected pixelshuffle, pixelshuffledirect, nearest+conv or none",
         upsampler_);
  }
}

void RestorationFrame::check_options(const nlohmann::json& config, std::initializer_list<const char*> own) {
  std::vector<std::string> known = frame_options;
  known.insert(known.end(), own.begin(), own.end());
  check_keys(config, known);
}

void RestorationFrame::mark_unshifted(const std::string& key, const Tensor& indices, int window) {
  const std::size_t dot = key.rfind('.');
  module_at(*this, key.substr(0, dot)).register_buffer(key.substr(dot + 1), indices.reshape({window * window, -1}));
}

Tensor RestorationFrame::forward(const Tensor& input) {
  Tensor x = style_.flipped ? pad_flipped(input, style_.multiple) : pad_to_multiple(input, style_.multiple);
  if (std::min(x.size(2), x.size(3)) < style_.smallest) x = pad_up_to(x, style_.smallest);
  Tensor mean;
  if (!zero_mean_) {
    mean = torch::tensor(mean_colour, torch::kDouble).view({1, -1, 1, 1});
    x = x - mean.to(x.options());
  }
  if (img_range_ != 1) x = x * img_range_;
  const Tensor base = x;
  if (unshuffle_ > 1) {
    const std::vector<std::int64_t> enlarged{x.size(2) * unshuffle_, x.size(3) * unshuffle_};
    if (x.scalar_type() == torch::kBFloat16) x = x.to(torch::kFloat);
    x = torch::pixel_unshuffle(torch::upsample_bicubic2d(x, enlarged, false), unshuffle_);
  }
  x = input_conv(first_, x);
  Tensor tokens = to_tokens(x);
  if (first_norm_) tokens = first_norm_->forward(tokens);
  tokens = norm_->forward(body(tokens));
  Tensor y = enlarge(after_body_.forward(to_picture(tokens)) + x);
  if (upsampler_ == "none") y = y + base;
  if (img_range_ != 1) y = y / img_range_;
  if (!zero_mean_) y = y + mean.to(y.options());
  return cut_to(y, input, scale_);
}

Tensor RestorationFrame::enlarge(Tensor x) {
  if (upsampler_ == "pixelshuffledirect") return torch::pixel_shuffle(output_conv(last_, x), scale_);
  if (upsampler_ == "none") return output_conv(last_, x);
  x = leaky_relu_of(before_->forward(x), 0.01);
  if (upsampler_ == "pixelshuffle") return output_conv(last_, upsample_->is_empty() ? x : upsample_->forward(x));
  for (auto& up : ups_) x = leaky_relu_of(up->forward(enlarge_nearest(x, 2)), 0.2);
  return output_conv(last_, leaky_relu_of(hr_->forward(x), 0.2));
}

void RestorationFrame::soften_pixel_shuffles() {
  if (upsampler_ == "pixelshuffledirect") return repeat_for_pixel_shuffle(last_->weight, scale_);
  if (upsampler_ != "pixelshuffle") return;
  for (std::size_t i = 0; i < steps_.size(); ++i)
    repeat_for_pixel_shuffle(upsample_->ptr<nn::Conv2dImpl>(2 * i)->weight, steps_[i]);
}

Reach RestorationFrame::upsampler_reach(Reach out) const {
  const auto conv = [](Reach r, int radius) { return Reach{r.first - radius, r.last + radius}; };
  const auto divided = [](Reach r, int by) { return Reach{divided_down(r.first, by), divided_down(r.last, by)}; };
  if (upsampler_ == "none") return conv(out, 1);
  if (upsampler_ == "pixelshuffledirect") return conv(divided(out, scale_), 1);
  out = conv(out, upsampler_ == "pixelshuffle" ? 1 : 2);
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    // A pixel shuffle comes after its convolution, an enlargement before.
    out = upsampler_ == "pixelshuffle" ? conv(divided(out, *step), 1) : divided(conv(out, 1), *step);
  }
  return conv(out, 1);
}

int RestorationFrame::halo() const {
  return widest_reach(style_.multiple, [this](Reach pixel) {
    Reach tokens = upsampler_reach({pixel.first * scale_, pixel.last * scale_ + scale_ - 1});
    const int radius = ResidualEnd::radius(residual_end_);
    const Reach around{tokens.first - radius, tokens.last + radius};
    const Reach body = body_reach(around);
    tokens = {std::min(tokens.first, body.first) - 1, std::max(tokens.last, body.last) + 1};
    const int bicubic = unshuffle_ > 1 ? 2 : 0;
    return Reach{tokens.first - bicubic, tokens.last + bicubic};
  });
}

GeneratorInfo RestorationFrame::info() const {
  const int at_the_end = 3 * scale_ * scale_ * (upsampler_ == "pixelshuffledirect" ? out_ : features_);
  return {.scale = scale_,
          .in_channels = in_,
          .out_channels = out_,
          .multiple = style_.multiple,
          .halo = style_.sight == Sight::whole ? 0 : halo(),
          .global = style_.sight != Sight::windows,
          .live_values = std::max(at_the_end, body_values())};
}

nlohmann::json RestorationFrame::config() const {
  return {{"in_channels", in_},      {"out_channels", out_},          {"channels", channels_},
          {"scale", scale_},         {"unshuffle", unshuffle_},       {"upsampler", upsampler_},
          {"features", features_},   {"residual_end", residual_end_}, {"img_range", img_range_},
          {"zero_mean", zero_mean_}, {"patch_norm", patch_norm_}};
}

namespace {

int step_of(const StateDict& weights, const std::string& stem) {
  const std::string key = stem + ".weight";
  const int planes = size_of(weights, key, 4, 0), from = size_of(weights, key, 4, 1);
  const auto step = planes % from == 0 ? whole_root(planes / from) : std::nullopt;
  if (!step || (*step != 2 && *step != 3))
    fail(ErrorKind::model, "{} makes {} planes of {} channels, which is no enlargement", stem, planes, from);
  return *step;
}

std::string end_of_group(const StateDict& weights) {
  if (weights.contains("conv_after_body.weight")) return "1conv";
  return weights.contains("conv_after_body.0.weight") ? "3conv" : "none";
}

}  // namespace

bool read_shifted(const StateDict& stored, const std::string& mask, const std::string& index, StateDict& weights) {
  if (stored.contains(mask) || !stored.contains(index)) return true;
  weights.set(index, stored.at(index));
  return false;
}

nlohmann::json read_restoration_frame(const StateDict& weights) {
  const bool reduced = weights.contains("conv_first.1.weight");
  const std::string first = reduced ? "conv_first.1.weight" : "conv_first.weight";
  const int channels = size_of(weights, first, 4, 0);
  int in = size_of(weights, first, 4, 1), unshuffle = 1;
  if (reduced) {
    const auto factor = in % 3 == 0 ? whole_root(in / 3) : whole_root(in);
    if (!factor) fail(ErrorKind::model, "no unshuffle of a picture gives {} channels", in);
    unshuffle = *factor;
    in /= unshuffle * unshuffle;
  }
  nlohmann::json config{
      {"in_channels", in},
      {"channels", channels},
      {"residual_end", end_of_group(weights)},
      {"patch_norm", weights.contains("patch_embed.norm.weight") || weights.contains("before_RG.1.weight")}};
  int enlargement = 1, out = in;
  std::string upsampler = "none";
  if (weights.contains("conv_before_upsample.0.weight")) {
    config["features"] = size_of(weights, "conv_before_upsample.0.weight", 4, 0);
    out = size_of(weights, "conv_last.weight", 4, 0);
    upsampler = weights.contains("conv_hr.weight") ? "nearest+conv" : "pixelshuffle";
    if (upsampler == "pixelshuffle") {
      for (int i = 0; i < 64 && weights.contains(fmt::format("upsample.{}.weight", i)) && enlargement < 1024; i += 2)
        enlargement *= step_of(weights, fmt::format("upsample.{}", i));
    } else {
      for (int i = 1; i < 8 && weights.contains(fmt::format("conv_up{}.weight", i)); ++i) enlargement *= 2;
    }
  } else if (weights.contains("upsample.0.weight")) {
    upsampler = "pixelshuffledirect";
    const ShuffledOutput found = split_planes(size_of(weights, "upsample.0.weight", 4, 0), in);
    enlargement = found.scale;
    out = found.channels;
  } else {
    out = size_of(weights, "conv_last.weight", 4, 0);
  }
  config.update({{"upsampler", upsampler}, {"out_channels", out}, {"unshuffle", unshuffle}, {"scale", enlargement}});
  return config;
}

}  // namespace ganvas
