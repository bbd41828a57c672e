#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "format/byte_source.hpp"

namespace ganvas::format {

/// Reads a range of a source from front to back, in blocks. Throws Error(model) at its end.
class Cursor {
 public:
  Cursor(const ByteSource& source, std::uint64_t begin, std::uint64_t end) : source_(source), next_(begin), end_(end) {}

  std::uint8_t byte();
  /// Little-endian, `length` <= 8 bytes.
  std::uint64_t integer(std::size_t length);
  std::string text(std::uint64_t length);
  /// Up to a newline, which is dropped.
  std::string line();

  const ByteSource& source() const { return source_; }
  std::uint64_t position() const { return next_ - (filled_ - used_); }
  std::uint64_t remaining() const { return end_ - position(); }

 private:
  void fill();
  const ByteSource& source_;
  std::uint64_t next_, end_;  // next_: where the block after this one starts
  std::array<std::uint8_t, 16384> block_;
  std::size_t used_ = 0, filled_ = 0;
};

}  // namespace ganvas::format
