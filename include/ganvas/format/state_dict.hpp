#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ganvas {

/// Named tensors in file order: what a network's weights are, whatever the container. CPU tensors.
class StateDict {
 public:
  using Entry = std::pair<std::string, torch::Tensor>;

  /// Appends, or replaces the tensor of an existing key in its place.
  void set(const std::string& key, torch::Tensor tensor);
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// nullptr when absent.
  const torch::Tensor* find(std::string_view key) const;
  /// Throws Error(model) that names the key when absent.
  const torch::Tensor& at(std::string_view key) const;
  /// Whether any key starts with `prefix`.
  bool has_prefix(std::string_view prefix) const;
  void erase(std::string_view key);

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  std::int64_t element_count() const;

 private:
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace ganvas
