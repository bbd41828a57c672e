#pragma once

// In place of LibTorch's header for the fuzz targets of the readers in src/format, which then compile with clang in
// seconds and start in milliseconds: as much of a tensor as they touch. What LibTorch would take on trust, a layout
// outside of its storage, sizes that overflow, an absurd allocation, ends the process as a finding.
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace torch {

enum ScalarType : int { kFloat64, kFloat32, kFloat16, kBFloat16, kInt64, kInt32, kInt16, kInt8, kUInt8, kBool };
inline const char* toString(ScalarType) { return "a type"; }
inline std::int64_t bytes_of_one(ScalarType type) {
  switch (type) {
    case kFloat64:
    case kInt64:
      return 8;
    case kFloat32:
    case kInt32:
      return 4;
    case kFloat16:
    case kBFloat16:
    case kInt16:
      return 2;
    case kInt8:
    case kUInt8:
    case kBool:
      return 1;
  }
  return 1;
}

class IntArrayRef {
 public:
  IntArrayRef(const std::vector<std::int64_t>& values) : values_(values) {}
  IntArrayRef(std::initializer_list<std::int64_t> values) : values_(values) {}
  IntArrayRef(std::int64_t value) : values_{value} {}
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  std::vector<std::int64_t> vec() const { return values_; }

 private:
  std::vector<std::int64_t> values_;
};

struct TensorOptions {
  explicit TensorOptions(ScalarType wanted) : type(wanted) {}
  ScalarType type;
};

class Tensor {
 public:
  using Storage = std::shared_ptr<std::vector<std::uint8_t>>;
  Tensor() = default;
  Tensor(Storage storage, ScalarType type, std::int64_t offset, std::vector<std::int64_t> sizes,
         const std::vector<std::int64_t>& strides)
      : storage_(std::move(storage)), type_(type), offset_(offset), sizes_(std::move(sizes)) {
    check(strides);
  }

  bool defined() const { return storage_ != nullptr; }
  ScalarType scalar_type() const { return type_; }
  TensorOptions options() const { return TensorOptions(type_); }
  IntArrayRef sizes() const { return sizes_; }
  std::int64_t dim() const { return static_cast<std::int64_t>(sizes_.size()); }
  std::int64_t size(std::int64_t axis) const { return sizes_.at(static_cast<std::size_t>(axis)); }
  std::int64_t numel() const {
    std::int64_t count = 1;
    for (const std::int64_t size : sizes_)
      if (size < 0 || __builtin_mul_overflow(count, size, &count)) ganvas::fuzz::finding("sizes that overflow");
    return count;
  }
  std::size_t nbytes() const { return static_cast<std::size_t>(numel() * bytes_of_one(type_)); }
  void* data_ptr() const { return storage_->data() + offset_ * bytes_of_one(type_); }
  const Storage& storage() const { return storage_; }
  const Tensor& detach() const { return *this; }
  const Tensor& cpu() const { return *this; }
  const Tensor& contiguous() const { return *this; }
  Tensor set_(const Storage& storage, std::int64_t offset, const IntArrayRef& sizes, const IntArrayRef& strides) const {
    return {storage, type_, offset, sizes.vec(), strides.vec()};
  }

 private:
  void check(const std::vector<std::int64_t>& strides) const {
    if (offset_ < 0 || strides.size() != sizes_.size()) ganvas::fuzz::finding("a layout without sense");
    if (numel() == 0) return;
    std::int64_t last = offset_;
    for (std::size_t i = 0; i < strides.size(); ++i) {
      std::int64_t reach = 0;
      if (strides[i] < 0 || __builtin_mul_overflow(sizes_[i] - 1, strides[i], &reach) ||
          __builtin_add_overflow(last, reach, &last))
        ganvas::fuzz::finding("strides that overflow");
    }
    if (last >= static_cast<std::int64_t>(storage_->size()) / bytes_of_one(type_))
      ganvas::fuzz::finding("a tensor outside of its storage");
  }

  Storage storage_;
  ScalarType type_ = kFloat32;
  std::int64_t offset_ = 0;
  std::vector<std::int64_t> sizes_;
};

inline Tensor empty(const IntArrayRef& sizes, TensorOptions options) {
  constexpr std::int64_t most = std::int64_t{1} << 28;  // inputs have kilobytes
  std::int64_t bytes = bytes_of_one(options.type);
  for (const std::int64_t size : sizes)
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes) || bytes > most)
      ganvas::fuzz::finding("an absurd allocation");
  std::vector<std::int64_t> strides(sizes.vec().size(), 1);
  for (std::size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * sizes.vec()[i];
  return {std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(bytes)), options.type, 0, sizes.vec(),
          strides};
}

}  // namespace torch
