#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ganvas/core/files.hpp"

namespace ganvas::format {

/// Writes a zip archive of stored files from front to back. All data start at multiples of 64 bytes, as torch.save
/// has them, so that they can be mapped. Zip64 only where sizes need it.
class ZipWriter {
 public:
  explicit ZipWriter(AtomicFile& file) : file_(file) {}
  void add(const std::string& name, std::span<const std::uint8_t> content);
  void add(const std::string& name, const std::string& content);
  /// Writes the directory. The file is still to be committed.
  void finish();

 private:
  void write(const std::string& bytes);

  AtomicFile& file_;
  std::string directory_;
  std::uint64_t position_ = 0, count_ = 0;
};

}  // namespace ganvas::format
