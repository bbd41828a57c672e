#include "ganvas/train/history_pool.hpp"

#include <torch/torch.h>

#include <algorithm>

namespace ganvas {

using torch::Tensor;

Tensor HistoryPool::query(const Tensor& pictures) {
  if (size_ <= 0) return pictures.detach();
  const torch::NoGradGuard no_grad;
  Tensor result = pictures.detach().clone();
  for (std::int64_t i = 0; i < pictures.size(0); ++i) {
    const Tensor picture = pictures[i].detach().clone();
    const auto held = static_cast<std::int64_t>(pictures_.size());
    if (held < size_) {
      pictures_.push_back(picture);
      continue;
    }
    if (torch::rand({1}).item<float>() >= 0.5F) continue;
    const auto chosen = torch::randint(0, held, {1}, torch::kLong).item<std::int64_t>();
    Tensor& older = pictures_[static_cast<std::size_t>(chosen)];
    if (older.sizes() == picture.sizes()) result[i].copy_(older);
    else if (pictures.size(0) == 1) result = older.unsqueeze(0).contiguous(result.suggest_memory_format());
    else continue;
    older = picture;
  }
  return result;
}

StateDict HistoryPool::state() const {
  StateDict state;
  if (pictures_.empty()) return state;
  const auto like_first = [this](const Tensor& picture) { return picture.sizes() == pictures_.front().sizes(); };
  if (std::all_of(pictures_.begin(), pictures_.end(), like_first)) {
    state.set("pool", torch::stack(pictures_));
    return state;
  }
  for (std::size_t i = 0; i < pictures_.size(); ++i) state.set("pool." + std::to_string(i), pictures_[i]);
  return state;
}

void HistoryPool::restore(const StateDict& state, torch::Device device) {
  pictures_.clear();
  if (const Tensor* all = state.find("pool"))
    for (std::int64_t i = 0; i < all->size(0); ++i) pictures_.push_back((*all)[i].to(device).clone());
  for (std::size_t i = 0; const Tensor* picture = state.find("pool." + std::to_string(i)); ++i)
    pictures_.push_back(picture->to(device).clone());
}

}  // namespace ganvas
