#include "infer/standard_input.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_stream.hpp"
#include "infer/memory_check.hpp"

namespace ganvas {

namespace {

/// A JPEG can end only where its end mark came in: others needn't be looked through again.
bool may_be_whole(const Bytes& bytes, std::size_t before) {
  if (bytes.size() < 2 || bytes[0] != 0xff) return true;
  const Bytes mark{0xff, 0xd9};
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(before > 0 ? before - 1 : 0);
  return std::search(begin, bytes.end(), mark.begin(), mark.end()) != bytes.end();
}

}  // namespace

/// False at the end.
bool StandardInput::read_more() {
  std::uint8_t chunk[65536];
  while (!ended_) {
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, 200);
    throw_if_interrupted();
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t got = ::read(STDIN_FILENO, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorKind::file, "standard input: can't read: {}", std::strerror(errno));
    if (got > 0) {
      bytes_.insert(bytes_.end(), chunk, chunk + got);
      return true;
    }
    ended_ = true;
  }
  return false;
}

/// What is no picture, or too large a one, is known by its beginning: before memory is full of it.
bool StandardInput::begins_well() const {
  if (!sniff_format(bytes_)) return false;
  std::optional<ImageHeader> header;
  try {
    header = read_header(bytes_, "standard input");
  } catch (const Error&) {
    return true;  // further behind
  }
  require_pixels_within(max_pixels_, header->width, header->height, "standard input");
  return true;
}

void StandardInput::begin_film() {
  while (!(film_ = read_y4m_header(bytes_)))
    if (!read_more()) fail(ErrorKind::file, "standard input: ends within its first line");
  require_pixels_within(max_pixels_, film_->width, film_->height, "standard input");
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(film_->header_size));
}

std::optional<Bytes> StandardInput::next_frame() {
  if (bytes_.empty() && !read_more()) {
    if (!has_frame_) fail(ErrorKind::file, "standard input: a film without a frame");
    return std::nullopt;
  }
  has_frame_ = true;
  std::optional<std::pair<std::size_t, std::size_t>> place;
  while (!(place = y4m_frame_place(*film_, bytes_)))
    if (!read_more()) fail(ErrorKind::file, "standard input: ends within a frame");
  const std::span<const std::uint8_t> bytes(bytes_);
  const Image frame = y4m_picture(*film_, bytes.subspan(place->first, place->second - place->first));
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(place->second));
  return encode_image(frame, Format::pnm, {});
}

std::optional<Bytes> StandardInput::next() {
  constexpr std::size_t enough_to_tell = 9, beginning = std::size_t{1} << 18;
  while (first_ && bytes_.size() < enough_to_tell && read_more()) {
  }
  if (first_ && is_y4m(bytes_)) begin_film();
  if (film_) {
    first_ = false;
    return next_frame();
  }
  std::size_t before = 0;
  std::optional<std::size_t> end;
  do {
    if (before < beginning && bytes_.size() >= beginning && !begins_well()) break;
    if (may_be_whole(bytes_, before)) end = picture_end(bytes_);
    before = bytes_.size();
  } while ((!end || *end > bytes_.size()) && read_more());
  if (!end || *end > bytes_.size()) end = bytes_.size();
  const auto format = sniff_format(bytes_);
  if (first_) format_ = format;
  // What else stands behind a picture (a motion photo's video, a line's end) is no part of it.
  const bool another = first_ || (*end > 0 && format && format == format_);
  first_ = false;
  if (!another) {
    // The rest, so that its writer isn't told of a broken pipe. There may be no end of what was no picture.
    do bytes_.clear();
    while (format_ && read_more());
    return std::nullopt;
  }
  Bytes picture(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(*end));
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(*end));
  return picture;
}

}  // namespace ganvas
