#include "format/cursor.hpp"

#include <algorithm>

#include "ganvas/core/error.hpp"

namespace ganvas::format {

void Cursor::fill() {
  if (next_ >= end_) {
    fail(ErrorKind::model, "{}: damaged: it breaks off within its pickle, at byte {}; download it again",
         source_.name(), end_);
  }
  filled_ = std::min<std::uint64_t>(block_.size(), end_ - next_);
  source_.read(next_, block_.data(), filled_);
  next_ += filled_;
  used_ = 0;
}

std::uint8_t Cursor::byte() {
  if (used_ == filled_) fill();
  return block_[used_++];
}

std::uint64_t Cursor::integer(std::size_t length) {
  std::uint64_t result = 0;
  for (std::size_t i = 0; i < length; ++i) result |= std::uint64_t{byte()} << (8 * i);
  return result;
}

std::string Cursor::text(std::uint64_t length) {
  if (length > remaining()) {
    fail(ErrorKind::model, "{}: damaged: a text of {} bytes at byte {} ends past its pickle; download it again",
         source_.name(), length, position());
  }
  std::string result;
  result.reserve(length);
  while (result.size() < length) {
    if (used_ == filled_) fill();
    const std::size_t piece = std::min<std::uint64_t>(filled_ - used_, length - result.size());
    result.append(reinterpret_cast<const char*>(block_.data()) + used_, piece);
    used_ += piece;
  }
  return result;
}

std::string Cursor::line() {
  std::string result;
  for (std::uint8_t c = byte(); c != '\n'; c = byte()) result += static_cast<char>(c);
  return result;
}

}  // namespace ganvas::format
