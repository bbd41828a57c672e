#include "format/storages.hpp"

#include "format/zip_reader.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::format {

void Storages::add(const std::string& key, std::uint64_t offset, std::uint64_t length,
                   std::optional<std::uint32_t> crc32) {
  blocks_[key] = {offset, length, crc32, {}};
}

const torch::Tensor& Storages::elements(const StorageReference& storage) {
  const auto found = blocks_.find(storage.key);
  if (found == blocks_.end()) {
    fail(ErrorKind::model, "{}: damaged: the data of storage {} are missing; download it again", source_.name(),
         in_quotes(storage.key));
  }
  Block& block = found->second;
  if (block.elements.defined()) return block.elements;
  // Before anything is allocated: the count is the pickle's word, the length is backed by the file.
  if (static_cast<std::uint64_t>(storage.count) * storage.type->size != block.length) {
    fail(ErrorKind::model, "{}: damaged: storage {} should have {} elements of {} bytes, but has {} bytes",
         source_.name(), in_quotes(storage.key), storage.count, storage.type->size, block.length);
  }
  torch::Tensor elements = read_elements(source_, block.offset, *storage.type, storage.count);
  if (block.crc32 && checksum(bytes_of(elements)) != *block.crc32) {
    fail(ErrorKind::model, "{}: damaged: the checksum of storage {} is wrong; download it again", source_.name(),
         in_quotes(storage.key));
  }
  return block.elements = std::move(elements);
}

torch::Tensor Storages::load(const TensorReference& tensor) {
  const torch::Tensor& block = elements(*tensor.storage);
  // Not as_strided(): what it returns would be a view to autograd.
  return torch::empty({0}, block.options()).set_(block.storage(), tensor.offset, tensor.sizes, tensor.strides);
}

}  // namespace ganvas::format
