#include "nn/windows.hpp"

#include <ATen/TracerMode.h>
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/keys.hpp"

namespace ganvas {

using torch::Tensor;

std::pair<Tensor, Tensor> places(Window window) {
  const Tensor index = torch::arange(window.tokens(), torch::kLong);
  return {torch::floor_divide(index, window.width), torch::remainder(index, window.width)};
}

namespace {

Tensor differences(const Tensor& of) { return of.unsqueeze(1) - of.unsqueeze(0); }

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
    : shape_{.heads = heads,
             .scale = 1.0 / std::sqrt(static_cast<double>(channels / heads)),
             .window = {window, window}},
      qkv_(register_module("qkv", make_linear(channels, 3 * channels, bias))),
      proj_(register_module("proj", make_linear(channels, channels))) {
  const int side = 2 * window - 1;
  table_ = register_parameter("relative_position_bias_table", make_bias_table(side * side, heads));
  indices_ = relative_positions({window, window});
}

Tensor WindowAttentionImpl::forward(const Tensor& tokens, int shift, const Tensor& mask) {
  AttentionShape shape = shape_;
  shape.shift = {shift, shift};
  return proj_->forward(window_attention(qkv_->forward(tokens), bias_of(table_, indices_, shape.window.tokens()),
                                         shift > 0 ? mask : Tensor(), shape));
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
  const Tensor x = tokens + attention_->forward(norm1_->forward(tokens), options_.shift, mask);
  return x + mlp_->forward(norm2_->forward(x));
}

int window_of_table(int rows) {
  const auto side = whole_root(rows);
  if (!side || *side % 2 == 0) fail(ErrorKind::model, "no window has a table of {} relative positions", rows);
  return (*side + 1) / 2;
}

void check_heads(int channels, int heads) {
  if (channels % heads != 0) fail(ErrorKind::recipe, "heads: {} channels don't divide into {}", channels, heads);
}

}  // namespace ganvas
