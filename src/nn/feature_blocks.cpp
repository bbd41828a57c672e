#include "nn/feature_blocks.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/torch_compat.hpp"

namespace ganvas {

InputNorm input_norm(const nlohmann::json& config) {
  const std::string name = config.value("input", "imagenet");
  if (name == "imagenet") return InputNorm::imagenet;
  if (name == "plain") return InputNorm::plain;
  fail(ErrorKind::recipe, "input: '{}' is neither imagenet nor plain", name);
}

std::string input_norm_name(InputNorm norm) { return norm == InputNorm::imagenet ? "imagenet" : "plain"; }

torch::Tensor normalise_input(const torch::Tensor& images, InputNorm norm) {
  if (norm == InputNorm::plain) return images;
  const auto options = images.options().requires_grad(false);
  const torch::Tensor mean = torch::tensor({0.485, 0.456, 0.406}, options).view({1, 3, 1, 1});
  const torch::Tensor deviation = torch::tensor({0.229, 0.224, 0.225}, options).view({1, 3, 1, 1});
  return (images - mean) / deviation;
}

torch::Tensor first_conv(torch::nn::Conv2d& conv, const torch::Tensor& images) {
  const bool cuda = images.is_cuda();
  if (!AutocastScope::is_on(cuda)) return conv->forward(images);
  const AutocastScope off(false, cuda);
  return conv->forward(images.to(torch::kFloat)).to(torch::kBFloat16);
}

torch::Tensor relu_step(const torch::Tensor& x, bool overwrite) {
  if (!overwrite) return torch::relu(x);
  torch::Tensor target = x;
  return torch::relu_(target);
}

namespace {

using at::indexing::Ellipsis;
using at::indexing::Slice;

class ReflectOne final : public torch::autograd::Function<ReflectOne> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x) {
    const std::int64_t height = x.size(2), width = x.size(3);
    torch::Tensor out =
        torch::empty({x.size(0), x.size(1), height + 2, width + 2}, x.options(), at::MemoryFormat::ChannelsLast);
    const std::int64_t column = std::min<std::int64_t>(1, width - 1), row = std::min<std::int64_t>(1, height - 1);
    out.narrow(2, 1, height).narrow(3, 1, width).copy_(x);
    const torch::Tensor middle = out.narrow(2, 1, height);
    middle.select(3, 0).copy_(x.select(3, column));
    middle.select(3, width + 1).copy_(x.select(3, width - 1 - column));
    out.select(2, 0).copy_(out.select(2, 1 + row));
    out.select(2, height + 1).copy_(out.select(2, height - row));
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradients) {
    const torch::Tensor& g = gradients[0];
    const std::int64_t height = g.size(2) - 2, width = g.size(3) - 2;
    const std::int64_t column = std::min<std::int64_t>(1, width - 1), row = std::min<std::int64_t>(1, height - 1);
    torch::Tensor inner = g.narrow(2, 1, height).narrow(3, 1, width).clone(at::MemoryFormat::ChannelsLast);
    // Edges without corners, then the corners, each to where its value came from.
    for (const bool end : {false, true}) {
      const std::int64_t y = end ? height + 1 : 0, to_y = end ? height - 1 - row : row;
      inner.select(2, to_y).add_(g.select(2, y).narrow(2, 1, width));
      const std::int64_t x = end ? width + 1 : 0, to_x = end ? width - 1 - column : column;
      inner.select(3, to_x).add_(g.select(3, x).narrow(2, 1, height));
      inner.select(2, to_y).select(2, column).add_(g.select(2, y).select(2, 0));
      inner.select(2, to_y).select(2, width - 1 - column).add_(g.select(2, y).select(2, width + 1));
    }
    return {inner};
  }
};

}  // namespace

torch::Tensor reflect_one(const torch::Tensor& x) { return ReflectOne::apply(x); }

torch::Tensor pool_ceil(const torch::Tensor& x) {
  return torch::max_pool2d(x, {3, 3}, {2, 2}, {0, 0}, {1, 1}, /*ceil_mode=*/true);
}

}  // namespace ganvas
