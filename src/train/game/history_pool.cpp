#include "ganvas/train/history_pool.hpp"

#include <torch/torch.h>

namespace ganvas {

torch::Tensor HistoryPool::query(const torch::Tensor& pictures) {
  if (size_ <= 0) return pictures.detach();
  const torch::NoGradGuard no_grad;
  torch::Tensor result = pictures.detach().clone();
  for (std::int64_t i = 0; i < result.size(0); ++i) {
    const torch::Tensor picture = pictures[i].detach().unsqueeze(0);
    const std::int64_t held = pictures_.defined() ? pictures_.size(0) : 0;
    if (held < size_) {
      pictures_ = held > 0 ? torch::cat({pictures_, picture}) : picture.clone();
    } else if (torch::rand({1}).item<float>() < 0.5F) {
      const auto chosen = torch::randint(0, held, {1}, torch::kLong).item<std::int64_t>();
      result[i].copy_(pictures_[chosen]);
      pictures_[chosen].copy_(picture[0]);
    }
  }
  return result;
}

}  // namespace ganvas
