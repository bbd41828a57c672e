#include "ganvas/loss/pixel.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"

namespace ganvas {

const std::vector<std::string>& pixel_losses() {
  static const std::vector<std::string> names{"l1", "l2", "charbonnier"};
  return names;
}

torch::Tensor pixel_loss(const std::string& kind, const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor difference = a.to(torch::kFloat) - b.to(torch::kFloat);
  if (kind == "l1") return difference.abs().mean();
  if (kind == "l2") return difference.square().mean();
  if (kind == "charbonnier") return (difference.square() + 1e-6).sqrt().mean();
  fail(ErrorKind::recipe, "unknown pixel loss '{}'; known: {}", kind, fmt::join(pixel_losses(), ", "));
}

torch::Tensor total_variation(const torch::Tensor& pictures) {
  const torch::Tensor x = pictures.to(torch::kFloat);
  torch::Tensor sum = torch::zeros({}, x.options());
  for (const std::int64_t axis : {2, 3})
    if (const std::int64_t last = x.size(axis) - 1; last > 0)
      sum = sum + (x.narrow(axis, 1, last) - x.narrow(axis, 0, last)).abs().mean();
  return sum;
}

torch::Tensor sub_pixel_grid(const torch::Tensor& pictures, int period) {
  const torch::Tensor x = pictures.to(torch::kFloat);
  const std::int64_t n = period, height = (x.size(2) - n + 1) / n * n, width = (x.size(3) - n + 1) / n * n;
  if (height < n || width < n) return torch::zeros({}, x.options());
  // Half a pixel apart, which a slope turns into a constant that all places share.
  const torch::Tensor broad = torch::avg_pool2d(x, n, 1).narrow(2, 0, height).narrow(3, 0, width);
  const torch::Tensor fine = x.narrow(2, n / 2, height).narrow(3, n / 2, width) - broad;
  const torch::Tensor places = torch::pixel_unshuffle(fine, n).mean({2, 3}).view({x.size(0), x.size(1), n * n});
  return (places - places.mean(2, true)).square().mean();
}

torch::Tensor luma_of(const torch::Tensor& pictures) {
  if (pictures.size(1) != 3) return pictures;
  return 0.299 * pictures.narrow(1, 0, 1) + 0.587 * pictures.narrow(1, 1, 1) + 0.114 * pictures.narrow(1, 2, 1);
}

}  // namespace ganvas
