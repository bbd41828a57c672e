#include "nn/split_attention.hpp"

#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "nn/keys.hpp"
#include "nn/paths.hpp"

namespace ganvas {

namespace nn = torch::nn;
using torch::Tensor;

namespace {

const char* const mark = "layers.0.blocks.0.attn.attns.0.rpe_biases";

/// All relative positions of a window: rows (y, x), y outer.
Tensor coordinates(Window window) {
  const Tensor y = torch::arange(1 - window.height, window.height, torch::kFloat);
  const Tensor x = torch::arange(1 - window.width, window.width, torch::kFloat);
  return torch::stack({y.repeat_interleave(x.numel()), x.repeat({y.numel()})}, 1);
}

std::int64_t up_to(std::int64_t size, std::int64_t multiple) { return (size + multiple - 1) / multiple * multiple; }

}  // namespace

PositionBiasImpl::PositionBiasImpl(int inner, int heads, Window window)
    : tokens_(window.tokens()),
      coordinates_(coordinates(window)),
      indices_(relative_positions(window)),
      first_(register_module("pos_proj", make_linear(2, inner))) {
  for (int i = 0; i < 3; ++i) {
    const std::string path = fmt::format("pos{}.", i + 1);
    norms_[i] = register_at(*this, path + "0", make_token_norm(inner));
    linears_[i] = register_at(*this, path + "2", make_linear(inner, i < 2 ? inner : heads));
  }
}

Tensor PositionBiasImpl::forward() {
  Tensor x = first_->forward(coordinates_.to(first_->weight.options()));
  for (int i = 0; i < 3; ++i) x = linears_[i]->forward(torch::relu(norms_[i]->forward(x)));
  return bias_of(x, indices_, tokens_);
}

SplitMasks::SplitMasks(Window window)
    : side_(std::max(window.height, window.width)),
      first_(window, {window.height / 2, window.width / 2}),
      second_({window.width, window.height}, {window.width / 2, window.height / 2}) {}

std::array<Tensor, 2> SplitMasks::get(const Tensor& tokens) {
  const std::int64_t height = up_to(tokens.size(1), side_), width = up_to(tokens.size(2), side_);
  return {first_.get(height, width, tokens), second_.get(height, width, tokens)};
}

SplitAttentionImpl::SplitAttentionImpl(int channels, int heads, Window window, bool marks)
    : channels_(channels), heads_(heads), windows_{window, Window{window.width, window.height}} {
  if (channels % 2 != 0 || heads < 2)
    fail(ErrorKind::recipe, "heads: {} of {} channels have no halves", heads, channels);
  check_heads(channels / 2, heads / 2);
  for (int k = 0; k < 2; ++k) {
    // Integer divisions one after the other, as published.
    bias_[k] = register_at(*this, fmt::format("{}.pos", k), PositionBias(channels / 2 / 4 / 4, heads / 2, windows_[k]));
    if (marks && k == 0) module_at(*this, "0").register_buffer("rpe_biases", coordinates(window));
  }
}

Tensor SplitAttentionImpl::forward(const Tensor& qkv, bool shifted, const std::array<Tensor, 2>& masks) {
  const int half = channels_ / 2;
  std::vector<Tensor> halves;
  for (int k = 0; k < 2; ++k) {
    const Window window = windows_[k];
    AttentionShape shape{.heads = heads_ / 2,
                         .scale = 1.0 / std::sqrt(static_cast<double>(half / (heads_ / 2))),
                         .window = window,
                         .first = k * half,
                         .width = half};
    if (shifted) shape.shift = {window.height / 2, window.width / 2};
    halves.push_back(window_attention(qkv, bias_[k]->forward(), shifted ? masks[k] : Tensor(), shape));
  }
  return torch::cat(halves, 3);
}

Tensor batch_norm_of(nn::BatchNorm2d& norm, const Tensor& x) {
  if (!norm->is_training() || x.numel() > x.size(1)) return norm->forward(x);
  return torch::batch_norm(x, norm->weight, norm->bias, norm->running_mean, norm->running_var, /*training=*/false, 0.0,
                           norm->options.eps(), false);
}

namespace {

/// The window's sides by its indices: a row of them falls by one from key to key, until the next row of the window.
Window window_of_index(const Tensor& index) {
  const std::int64_t tokens = index.size(0);
  const Tensor row = index.select(0, 0).to(torch::kLong).contiguous();
  std::int64_t width = 1;
  while (width < tokens && row[0].item<std::int64_t>() - row[width].item<std::int64_t>() == width) ++width;
  if (tokens % width != 0 || tokens > 65536) fail(ErrorKind::model, "its relative_position_index is of no window");
  return {static_cast<int>(tokens / width), static_cast<int>(width)};
}

}  // namespace

Window take_split_window(const StateDict& stored, StateDict& weights) {
  weights = {};
  for (const auto& [key, tensor] : without_recomputed(stored))
    if (key == mark || !key.ends_with(".rpe_biases")) weights.set(key, tensor);
  if (!weights.contains(mark)) {
    const Tensor* index = stored.find("layers.0.blocks.0.attn.attns.0.relative_position_index");
    if (!index || index->dim() != 2 || index->numel() == 0 || index->size(0) != index->size(1))
      fail(ErrorKind::model, "'{}' is missing, which alone tells the windows' sides", mark);
    weights.set(mark, coordinates(window_of_index(*index)));
  }
  const int rows = size_of(weights, mark, 2, 0);
  if (size_of(weights, mark, 2, 1) != 2) fail(ErrorKind::model, "'{}' has no two coordinates", mark);
  const Tensor last = weights.at(mark)[rows - 1].to(torch::kDouble);
  const double y = last[0].item<double>(), x = last[1].item<double>();
  if (!(y >= 0 && y < 256 && x >= 0 && x < 256) || (2 * y + 1) * (2 * x + 1) != rows)
    fail(ErrorKind::model, "'{}' has {} rows for a window of {} x {}", mark, rows, y + 1, x + 1);
  return {static_cast<int>(y) + 1, static_cast<int>(x) + 1};
}

}  // namespace ganvas
