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

}  // namespace ganvas
