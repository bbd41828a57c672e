#include "nn/keys.hpp"

#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

thread_local const NameInFile* current_name = nullptr;

}  // namespace

NameInFile::NameInFile(std::string name) : name_(std::move(name)), outer_(current_name) { current_name = this; }

NameInFile::~NameInFile() { current_name = outer_; }

std::string NameInFile::current() { return current_name ? current_name->name_ : std::string(); }

int size_of(const StateDict& weights, const std::string& key, int rank, int axis) {
  const torch::Tensor* weight = weights.find(key);
  if (!weight) fail(ErrorKind::model, "weight '{}' is missing", key);
  if (weight->dim() != rank || weight->numel() == 0)
    fail(ErrorKind::model, "weight '{}' has shape [{}]; expected {} dimensions", key,
         fmt::join(weight->sizes().vec(), ","), rank);
  const std::int64_t size = weight->size(axis);
  if (size > 65536) fail(ErrorKind::model, "weight '{}' has a side of {}", key, size);
  return static_cast<int>(size);
}

int length_of(const StateDict& weights, const std::string& key) { return size_of(weights, key, 1, 0); }

std::optional<int> whole_root(std::int64_t square) {
  if (square < 0 || square > std::int64_t{1} << 32) return std::nullopt;
  const auto root = static_cast<int>(std::lround(std::sqrt(static_cast<double>(square))));
  if (std::int64_t{root} * root != square) return std::nullopt;
  return root;
}

ShuffledOutput split_planes(std::int64_t planes, int in_channels) {
  for (const int channels : {in_channels, 3, 4, 1}) {
    if (channels < 1 || planes < channels || planes % channels != 0) continue;
    if (const auto scale = whole_root(planes / channels)) return {*scale, channels};
  }
  fail(ErrorKind::model, "no scale gives {} output planes", planes);
}

StateDict without_recomputed(const StateDict& weights) {
  StateDict kept;
  for (const auto& [key, tensor] : weights) {
    const std::string last = key.substr(key.rfind('.') + 1);
    const bool follows = last.starts_with("relative_position_index") || last.starts_with("attn_mask") ||
                         last == "aligned_relative_position_index" || last == "init_pos" || last == "total_ops" ||
                         last == "total_params" || key == "mean";
    if (!follows) kept.set(key, tensor);
  }
  return kept;
}

}  // namespace ganvas
