#include "nn/dysample.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/mixed.hpp"

namespace ganvas {

using torch::Tensor;

namespace {

/// Where sampling starts, in input pixels from a pixel's centre: the centres of its scale^2 parts, x of all groups
/// first, then y.
Tensor regular_places(int scale, int groups) {
  const Tensor step = (torch::arange(scale, torch::kDouble) - (scale - 1) / 2.0) / scale;
  const Tensor x = step.view({1, 1, scale}).expand({groups, scale, scale}).flatten();
  const Tensor y = step.view({1, scale, 1}).expand({groups, scale, scale}).flatten();
  return torch::cat({x, y}).view({1, -1, 1, 1});
}

}  // namespace

DySampleImpl::DySampleImpl(int channels, int out, int scale, int groups, bool mix)
    : scale_(scale),
      groups_(groups),
      start_(regular_places(scale, groups)),
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

Tensor DySampleImpl::forward(const Tensor& features) {
  const std::int64_t n = features.size(0), channels = features.size(1), h = features.size(2), w = features.size(3);
  Tensor offset = output_conv(offset_, features) * torch::sigmoid(output_conv(scope_, features)) * 0.5;
  const auto options = offset.options();
  offset = (offset + start_.to(options)).reshape({n, 2, groups_ * scale_ * scale_, h, w});
  const Tensor columns = (torch::arange(w, options) + 0.5).view({1, 1, 1, w});
  const Tensor rows = (torch::arange(h, options) + 0.5).view({1, 1, h, 1});
  const auto scaled = [](const Tensor& at, std::int64_t size) { return at * (2.0 / static_cast<double>(size)) - 1.0; };
  const Tensor places =
      torch::stack({scaled(offset.select(1, 0) + columns, w), scaled(offset.select(1, 1) + rows, h)}, 1);
  const Tensor grid = torch::pixel_shuffle(places.reshape({n, 2 * groups_ * scale_ * scale_, h, w}), scale_)
                          .reshape({n, 2, groups_, h * scale_, w * scale_})
                          .permute({0, 2, 3, 4, 1})
                          .reshape({n * groups_, h * scale_, w * scale_, 2});
  const Tensor sampled =
      torch::grid_sampler(features.to(options).reshape({n * groups_, channels / groups_, h, w}), grid,
                          /*bilinear*/ 0, /*border*/ 1, /*align_corners=*/false)
          .reshape({n, channels, h * scale_, w * scale_});
  return mix_ ? output_conv(mix_, sampled) : sampled;
}

}  // namespace ganvas
