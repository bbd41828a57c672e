#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "format/byte_source.hpp"
#include "format/pickle_value.hpp"

namespace ganvas::format {

/// The blocks of elements of a .pth. Each is read when the first tensor needs it, once, and shared by its tensors.
class Storages {
 public:
  explicit Storages(const ByteSource& source) : source_(source) {}

  /// Says where a block is. `crc32` is checked when given.
  void add(const std::string& key, std::uint64_t offset, std::uint64_t length, std::optional<std::uint32_t> crc32 = {});
  const ByteSource& source() const { return source_; }
  torch::Tensor load(const TensorReference& tensor);

 private:
  struct Block {
    std::uint64_t offset, length;
    std::optional<std::uint32_t> crc32;
    torch::Tensor elements;  // one dimension; undefined until read
  };
  const torch::Tensor& elements(const StorageReference& storage);

  const ByteSource& source_;
  std::map<std::string, Block> blocks_;
};

}  // namespace ganvas::format
