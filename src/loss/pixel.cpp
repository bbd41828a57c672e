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

torch::Tensor luma_of(const torch::Tensor& pictures) {
  if (pictures.size(1) != 3) return pictures;
  return 0.299 * pictures.narrow(1, 0, 1) + 0.587 * pictures.narrow(1, 1, 1) + 0.114 * pictures.narrow(1, 2, 1);
}

}  // namespace ganvas
