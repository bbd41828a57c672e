#include "nn/windows.hpp"

#include <ATen/TracerMode.h>
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/keys.hpp"

namespace ganvas {

using torch::Tensor;

Tensor partition(const Tensor& tokens, Window window) {
  const std::int64_t n = tokens.size(0), h = tokens.size(1), w = tokens.size(2), c = tokens.size(3);
  return tokens.reshape({n, h / window.height, window.height, w / window.width, window.width, c})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, window.tokens(), c});
}

Tensor unpartition(const Tensor& windows, Window window, const Tensor& like) {
  const std::int64_t n = like.size(0), h = like.size(1), w = like.size(2), c = windows.size(2);
  return windows.reshape({n, h / window.height, w / window.width, window.height, window.width, c})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({n, h, w, c});
}

std::pair<Tensor, Tensor> places(Window window) {
  const Tensor index = torch::arange(window.tokens(), torch::kLong);
  return {torch::floor_divide(index, window.width), torch::remainder(index, window.width)};
}

namespace {

Tensor differences(const Tensor& of) { return of.unsqueeze(1) - of.unsqueeze(0); }

/// 0, 1 or 2: what the roll leaves in place, what shares its last window, and what came around.
Tensor bands(std::int64_t size, int window, int shift) {
  const Tensor at = torch::arange(size, torch::kLong);
  return (at >= size - window).to(torch::kLong) + (at >= size - shift).to(torch::kLong);
}

}  // namespace

Tensor relative_positions(Window window) {
  const auto [rows, columns] = places(window);
  return ((differences(rows) + (window.height - 1)) * (2 * window.width - 1) + differences(columns) +
          (window.width - 1))
      .flatten();
}

Tensor bias_of(const Tensor& table, const Tensor& indices, int queries) {
  const Tensor bias = table.index_select(0, indices.to(table.device()));
  return bias.reshape({queries, -1, table.size(1)}).permute({2, 0, 1});
}

Tensor shift_regions(std::int64_t height, std::int64_t width, Window window, Window shift) {
  const Tensor regions = 3 * bands(height, window.height, shift.height).unsqueeze(1) +
                         bands(width, window.width, shift.width).unsqueeze(0);
  return partition(regions.unsqueeze(0).unsqueeze(3), window).squeeze(2);
}

Tensor mask_between(const Tensor& query_regions, const Tensor& key_regions) {
  return (query_regions.unsqueeze(2) != key_regions.unsqueeze(1)).to(torch::kFloat) * -100.0;
}

Tensor shift_mask(std::int64_t height, std::int64_t width, Window window, Window shift) {
  const Tensor regions = shift_regions(height, width, window, shift);
  return mask_between(regions, regions);
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias, const Tensor& mask) {
  Tensor scores = torch::matmul(q, k.transpose(-2, -1));
  if (bias.defined()) scores = scores + bias;
  if (mask.defined()) {
    const std::int64_t heads = scores.size(1), queries = scores.size(2), keys = scores.size(3);
    scores = (scores.reshape({-1, mask.size(0), heads, queries, keys}) + mask.unsqueeze(1))
                 .reshape({-1, heads, queries, keys});
  }
  return torch::matmul(torch::softmax(scores, -1).to(v.scalar_type()), v);
}

Tensor split_heads(const Tensor& tokens, int parts, int heads) {
  return tokens.reshape({tokens.size(0), tokens.size(1), parts, heads, -1}).permute({2, 0, 3, 1, 4});
}

Tensor join_heads(const Tensor& heads) {
  return heads.transpose(1, 2).reshape({heads.size(0), heads.size(2), heads.size(1) * heads.size(3)});
}

Tensor unit(const Tensor& x) {
  return torch::nn::functional::normalize(x, torch::nn::functional::NormalizeFuncOptions().dim(-1));
}

Tensor attend_channels(const Tensor& parts, const Tensor& temperature) {
  const Tensor weights =
      torch::softmax(torch::matmul(unit(parts[0]), unit(parts[1]).transpose(-2, -1)) * temperature, -1);
  return torch::matmul(weights.to(parts.scalar_type()), parts[2]);
}

Tensor MaskCache::get(std::int64_t height, std::int64_t width, const Tensor& like) {
  const bool fits = mask_.defined() && height_ == height && width_ == width &&
                    mask_.scalar_type() == like.scalar_type() && mask_.device() == like.device();
  if (!fits) {
    height_ = height;
    width_ = width;
    // A tensor of inference mode could not be used in a later training step; and for a trace it is a constant.
    const at::tracer::impl::NoTracerDispatchMode untraced;
    const c10::InferenceMode outside(false);
    mask_ = make_(height, width).to(like.options());
  }
  return mask_;
}

Tensor make_bias_table(int positions, int heads) {
  WeightBudget::spend(std::int64_t{positions} * heads + 16);
  return torch::randn({positions, heads}) * 0.02;
}

WindowAttentionImpl::WindowAttentionImpl(int channels, int window, int heads, bool bias)
    : heads_(heads),
      tokens_(window * window),
      scale_(1.0 / std::sqrt(static_cast<double>(channels / heads))),
      qkv_(register_module("qkv", make_linear(channels, 3 * channels, bias))),
      proj_(register_module("proj", make_linear(channels, channels))) {
  const int side = 2 * window - 1;
  table_ = register_parameter("relative_position_bias_table", make_bias_table(side * side, heads));
  indices_ = relative_positions({window, window});
}

Tensor WindowAttentionImpl::forward(const Tensor& windows, const Tensor& mask) {
  const Tensor qkv = split_heads(qkv_->forward(windows), 3, heads_);
  return proj_->forward(join_heads(attend(qkv[0] * scale_, qkv[1], qkv[2], bias_of(table_, indices_, tokens_), mask)));
}

SwinBlockImpl::SwinBlockImpl(const SwinOptions& options)
    : options_(options),
      norm1_(register_module("norm1", make_token_norm(options.channels))),
      norm2_(register_module("norm2", make_token_norm(options.channels))),
      attention_(nullptr),
      mlp_(register_module("mlp", Mlp(options.channels, options.hidden))) {
  check_heads(options.channels, options.heads);
  attention_ = register_module("attn", WindowAttention(options.channels, options.window, options.heads, options.bias));
}

Tensor SwinBlockImpl::forward(const Tensor& tokens, const Tensor& mask) {
  const int window = options_.window, shift = options_.shift;
  const Tensor x =
      tokens + in_windows(norm1_->forward(tokens), {window, window}, {shift, shift},
                          [&](const Tensor& own) { return attention_->forward(own, shift > 0 ? mask : Tensor()); });
  return x + mlp_->forward(norm2_->forward(x));
}

Tensor rolled(const Tensor& tokens, int rows, int columns) { return torch::roll(tokens, {rows, columns}, {1, 2}); }

int window_of_table(int rows) {
  const auto side = whole_root(rows);
  if (!side || *side % 2 == 0) fail(ErrorKind::model, "no window has a table of {} relative positions", rows);
  return (*side + 1) / 2;
}

void check_heads(int channels, int heads) {
  if (channels % heads != 0) fail(ErrorKind::recipe, "heads: {} channels don't divide into {}", channels, heads);
}

}  // namespace ganvas
