#include "nn/antialias.hpp"

#include <torch/torch.h>

#include <vector>

#include "nn/translator_layers.hpp"

namespace ganvas {

namespace {

/// Row `size` of Pascal's triangle times itself, with the sum `total`, once a channel.
torch::Tensor binomial_filter(int size, int channels, double total) {
  std::vector<float> row{1};
  while (static_cast<int>(row.size()) < size) {
    row.push_back(0);
    for (std::size_t i = row.size() - 1; i > 0; --i) row[i] += row[i - 1];
  }
  const torch::Tensor line = torch::tensor(row);
  const torch::Tensor filter = torch::outer(line, line);
  return (filter / filter.sum() * total).expand({channels, 1, size, size}).contiguous();
}

}  // namespace

BlurDownImpl::BlurDownImpl(int channels) { filter_ = register_buffer("filt", binomial_filter(3, channels, 1.0)); }

torch::Tensor BlurDownImpl::forward(const torch::Tensor& x) {
  const torch::Tensor padded = reflect_pad(x, 1);
  const std::vector<std::int64_t> stride{2, 2}, padding{0, 0}, dilation{1, 1};
  return torch::conv2d(padded, filter_.to(x.scalar_type()), torch::Tensor(), stride, padding, dilation,
                       filter_.size(0));
}

BlurUpImpl::BlurUpImpl(int channels) {
  // Every second tap falls on a pixel: a quarter of the filter meets the picture.
  filter_ = register_buffer("filt", binomial_filter(4, channels, 4.0));
}

torch::Tensor BlurUpImpl::forward(const torch::Tensor& x) {
  // LibTorch 1.13 has neither of the two below in bf16 on every CPU.
  if (x.scalar_type() == torch::kBFloat16 && !x.is_cuda()) return forward(x.to(torch::kFloat)).to(torch::kBFloat16);
  // One repeated pixel on each side makes 2 * (H + 2) + 2 rows; of these the middle 2 * H belong to the picture, and
  // padding takes away all that don't.
  const torch::Tensor padded = torch::replication_pad2d(x, {1, 1, 1, 1});
  const std::vector<std::int64_t> stride{2, 2}, padding{3, 3}, extra{0, 0};
  return torch::conv_transpose2d(padded, filter_.to(x.scalar_type()), torch::Tensor(), stride, padding, extra,
                                 filter_.size(0));
}

}  // namespace ganvas
