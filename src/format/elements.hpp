#pragma once

#include <torch/types.h>

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "format/byte_source.hpp"

namespace ganvas::format {

// Every container here holds little-endian numbers, which are copied without conversion.
static_assert(std::endian::native == std::endian::little, "ganvas needs a little-endian machine");

/// An element type under the names of both containers.
struct ElementType {
  torch::ScalarType type;
  std::uint64_t size;
  std::string_view safetensors;  ///< "F32"
  std::string_view storage;      ///< class in Python's torch module: "FloatStorage"
};

std::span<const ElementType> element_types();
/// nullptr when the containers have no name for it.
const ElementType* find_element_type(torch::ScalarType type);

/// LibTorch's limit in most operations.
constexpr std::size_t kMostDimensions = 64;

/// Product of the sizes; empty when one is negative, there are more than kMostDimensions, or they don't fit into int64.
/// A zero doesn't hide an overflow of the others: LibTorch computes strides from them.
std::optional<std::int64_t> checked_element_count(std::span<const std::int64_t> sizes);

/// A new tensor of these sizes, filled from the source. The caller has checked that the bytes are there.
torch::Tensor read_elements(const ByteSource& source, std::uint64_t offset, const ElementType& type,
                            torch::IntArrayRef sizes);

/// What a container stores of a tensor: dense, on the CPU, detached.
torch::Tensor dense(const torch::Tensor& tensor);
std::span<const std::uint8_t> bytes_of(const torch::Tensor& dense_tensor);

}  // namespace ganvas::format
