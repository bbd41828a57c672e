#include "ganvas/format/state_dict.hpp"

#include "ganvas/core/error.hpp"

namespace ganvas {

void StateDict::set(const std::string& key, torch::Tensor tensor) {
  const auto [place, is_new] = index_.try_emplace(key, entries_.size());
  if (is_new) entries_.emplace_back(key, std::move(tensor));
  else entries_[place->second].second = std::move(tensor);
}

const torch::Tensor* StateDict::find(std::string_view key) const {
  const auto place = index_.find(key);
  return place == index_.end() ? nullptr : &entries_[place->second].second;
}

const torch::Tensor& StateDict::at(std::string_view key) const {
  if (const torch::Tensor* tensor = find(key)) return *tensor;
  fail(ErrorKind::model, "the model has no tensor '{}'", key);
}

bool StateDict::has_prefix(std::string_view prefix) const {
  // Keys with the prefix stand together in the sorted index, and none of them sorts before the prefix itself.
  const auto first = index_.lower_bound(prefix);
  return first != index_.end() && std::string_view(first->first).starts_with(prefix);
}

void StateDict::erase(std::string_view key) {
  const auto place = index_.find(key);
  if (place == index_.end()) return;
  const std::size_t removed = place->second;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(removed));
  index_.erase(place);
  for (auto& [name, position] : index_) {
    if (position > removed) --position;
  }
}

std::int64_t StateDict::element_count() const {
  std::int64_t count = 0;
  for (const auto& [key, tensor] : entries_) count += tensor.numel();
  return count;
}

}  // namespace ganvas
