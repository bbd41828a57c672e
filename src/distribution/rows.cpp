#include "distribution/rows.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"

namespace ganvas {

torch::Tensor double_rows(const torch::Tensor& features) {
  if (features.dim() != 2)
    fail(ErrorKind::data, "features are a matrix of pictures x features, not [{}]",
         fmt::join(features.sizes().vec(), ","));
  const torch::Tensor rows = features.detach().to(torch::kCPU, torch::kDouble).contiguous();
  if (!torch::isfinite(rows).all().item<bool>()) fail(ErrorKind::data, "features hold values that aren't finite");
  return rows;
}

std::pair<torch::Tensor, torch::Tensor> double_rows(const torch::Tensor& a, const torch::Tensor& b) {
  auto rows = std::pair{double_rows(a), double_rows(b)};
  if (rows.first.size(1) != rows.second.size(1))
    fail(ErrorKind::data, "distributions of {} and {} features can't be compared", rows.first.size(1),
         rows.second.size(1));
  return rows;
}

}  // namespace ganvas
