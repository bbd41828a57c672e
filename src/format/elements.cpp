#include "format/elements.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace ganvas::format {
namespace {

constexpr std::array kElementTypes{
    ElementType{torch::kFloat64, 8, "F64", "DoubleStorage"},
    ElementType{torch::kFloat32, 4, "F32", "FloatStorage"},
    ElementType{torch::kFloat16, 2, "F16", "HalfStorage"},
    ElementType{torch::kBFloat16, 2, "BF16", "BFloat16Storage"},
    ElementType{torch::kInt64, 8, "I64", "LongStorage"},
    ElementType{torch::kInt32, 4, "I32", "IntStorage"},
    ElementType{torch::kInt16, 2, "I16", "ShortStorage"},
    ElementType{torch::kInt8, 1, "I8", "CharStorage"},
    ElementType{torch::kUInt8, 1, "U8", "ByteStorage"},
    ElementType{torch::kBool, 1, "BOOL", "BoolStorage"},
};

}  // namespace

std::span<const ElementType> element_types() { return kElementTypes; }

const ElementType* find_element_type(torch::ScalarType type) {
  const auto found = std::ranges::find(kElementTypes, type, &ElementType::type);
  return found == kElementTypes.end() ? nullptr : &*found;
}

std::optional<std::int64_t> checked_element_count(std::span<const std::int64_t> sizes) {
  if (sizes.size() > kMostDimensions) return std::nullopt;
  std::int64_t product = 1;
  bool is_empty = false;
  for (const std::int64_t size : sizes) {
    if (size < 0) return std::nullopt;
    if (size == 0) is_empty = true;
    else if (__builtin_mul_overflow(product, size, &product)) return std::nullopt;
  }
  // 8 is the largest element: with it the byte count fits as well.
  if (product > std::numeric_limits<std::int64_t>::max() / 8) return std::nullopt;
  return is_empty ? 0 : product;
}

torch::Tensor read_elements(const ByteSource& source, std::uint64_t offset, const ElementType& type,
                            torch::IntArrayRef sizes) {
  torch::Tensor tensor = torch::empty(sizes, torch::TensorOptions(type.type));
  auto* const bytes = static_cast<std::uint8_t*>(tensor.data_ptr());
  const std::uint64_t length = static_cast<std::uint64_t>(tensor.numel()) * type.size;
  source.read(offset, bytes, length);
  if (type.type == torch::kBool) {
    // C++ knows only 0 and 1; other bytes in a bool are undefined behaviour further on.
    std::transform(bytes, bytes + length, bytes, [](std::uint8_t byte) { return byte != 0; });
  }
  return tensor;
}

torch::Tensor dense(const torch::Tensor& tensor) { return tensor.detach().cpu().contiguous(); }

std::span<const std::uint8_t> bytes_of(const torch::Tensor& dense_tensor) {
  return {static_cast<const std::uint8_t*>(dense_tensor.data_ptr()), dense_tensor.nbytes()};
}

}  // namespace ganvas::format
