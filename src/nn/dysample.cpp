#include "nn/dysample.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/traced_operators.hpp"
#include "nn/blocks.hpp"
#include "nn/mixed.hpp"

namespace ganvas {

using torch::Tensor;

DySampleImpl::DySampleImpl(int channels, int out, int scale, int groups, bool mix)
    : scale_(scale),
      groups_(groups),
      offset_(register_module("offset", make_conv(channels, 2 * groups * scale * scale, 1))),
      scope_(register_module("scope", make_conv(channels, 2 * groups * scale * scale, 1, false))) {
  if (channels % groups != 0)
    fail(ErrorKind::recipe, "dysample: {} channels don't divide into {} groups", channels, groups);
  if (mix) mix_ = register_module("end_conv", make_conv(channels, out, 1));
  const torch::NoGradGuard no_grad;
  offset_->weight.normal_(0.0, 0.001);
  offset_->bias.zero_();
  scope_->weight.zero_();
}

/// What the last convolution makes of each group alone: groups * out x channels x 1 x 1.
Tensor DySampleImpl::group_weights() const {
  const Tensor weight = mix_->weight.to(torch::kFloat);
  const std::int64_t out = weight.size(0), channels = weight.size(1);
  const Tensor own = torch::eye(groups_, weight.options()).repeat_interleave(channels / groups_, 1);
  return (own.view({groups_, 1, channels}) * weight.view({1, out, channels})).view({groups_ * out, channels, 1, 1});
}

Tensor DySampleImpl::forward(const Tensor& features, const Tensor& picture) {
  const Tensor all =
      picture.defined() ? features + torch::pixel_unshuffle(enlarge_nearest(picture, scale_), scale_) : features;
  const Tensor offsets = output_conv(offset_, all) * torch::sigmoid(output_conv(scope_, all)) * 0.5;
  if (!mix_) return sampled(all, offsets, scale_, groups_, /*added=*/false);
  // Sampling is linear, so the last convolution comes first: a fraction of the channels is sampled, and small pictures
  // are convolved, not large ones. The picture has a convolution of its own, so that features may be rounded.
  const AutocastScope off(false, features.is_cuda());
  const Tensor weights = group_weights(), bias = mix_->bias.to(torch::kFloat);
  Tensor mixed = torch::conv2d(features.to(torch::kFloat), weights,
                               torch::cat({bias, bias.new_zeros((groups_ - 1) * bias.size(0))}));
  if (picture.defined()) {
    const std::int64_t in = picture.size(1);
    mixed = mixed +
            torch::conv2d(picture.to(torch::kFloat), weights.reshape({-1, in, weights.size(1) / in, 1}).sum(2, true));
  }
  return sampled(mixed, offsets, scale_, groups_, /*added=*/true);
}

}  // namespace ganvas
