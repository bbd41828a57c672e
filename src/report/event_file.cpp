// The format of TensorBoard's event files: tensorflow/core/lib/io/record_writer.h, util/event.proto and
// framework/summary.proto describe it. Few messages are needed, so they are put together by hand.
#include "ganvas/report/event_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

#include "ganvas/core/error.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

constexpr std::string_view prefix = "events.out.tfevents.";

/// Protocol Buffers' wire format, as far as it is needed.
class Message {
 public:
  Message& integer(std::uint32_t field, std::int64_t value) {
    varint(field << 3);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& real(std::uint32_t field, double value) {
    varint(field << 3 | 1);
    little_endian(std::bit_cast<std::uint64_t>(value), 8);
    return *this;
  }
  Message& real(std::uint32_t field, float value) {
    varint(field << 3 | 5);
    little_endian(std::bit_cast<std::uint32_t>(value), 4);
    return *this;
  }
  Message& text(std::uint32_t field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) bytes_ += static_cast<char>(value >> 8 * i & 0xFF);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7F) | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

// Field numbers of the messages.
namespace event {
constexpr std::uint32_t wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7;
}
constexpr std::uint32_t summary_value = 1;
namespace value {
constexpr std::uint32_t tag = 1, simple_value = 2, image = 4;
}
namespace image_field {
constexpr std::uint32_t height = 1, width = 2, colorspace = 3, encoded = 4;
}
constexpr std::uint32_t session_status = 1;
constexpr std::int64_t session_start = 1;

std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78U : crc >> 1;
    table[i] = crc;
  }
  return table;
}

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// TensorBoard reads a folder's files in the order of their names.
std::int64_t seconds_behind_older_files(const fs::path& folder) {
  auto seconds = static_cast<std::int64_t>(wall_clock());
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    std::int64_t older = 0;
    if (!name.starts_with(prefix)) continue;
    if (std::from_chars(name.data() + prefix.size(), name.data() + name.size(), older).ec == std::errc() &&
        older < 9999999999)
      seconds = std::max(seconds, older + 1);
  }
  return seconds;
}

std::string host_name() {
  std::array<char, 65> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == 0) return "localhost";
  std::string host = name.data();
  std::replace(host.begin(), host.end(), '/', '_');
  return host;
}

}  // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes) {
  static const auto table = make_crc_table();
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF];
  return ~crc;
}

std::uint32_t masked_crc32c(std::span<const std::uint8_t> bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; }

EventFile::EventFile(const fs::path& folder, std::int64_t restart_step) {
  static std::atomic<int> count{0};
  path_ = folder / fmt::format("{}{:010}.{}.{}.{}", prefix, seconds_behind_older_files(folder), host_name(), ::getpid(),
                               count++);
  file_ = std::fopen(path_.c_str(), "ab");
  if (!file_) fail(ErrorKind::file, "{}: can't write: {}", path_.string(), std::strerror(errno));
  try {
    write_event(0, event::file_version, "brain.Event:2");
    write_event(restart_step, event::session_log, Message().integer(session_status, session_start).bytes());
  } catch (...) {
    std::fclose(file_);
    throw;
  }
}

EventFile::~EventFile() { std::fclose(file_); }

void EventFile::scalars(std::int64_t step, const std::map<std::string, double>& values) {
  Message summary;
  for (const auto& [tag, number] : values)
    summary.text(summary_value,
                 Message().text(value::tag, tag).real(value::simple_value, static_cast<float>(number)).bytes());
  if (!values.empty()) write_event(step, event::summary, summary.bytes());
}

void EventFile::image(std::int64_t step, const std::string& tag, std::span<const std::uint8_t> encoded, int width,
                      int height, int channels) {
  Message picture;
  picture.integer(image_field::height, height)
      .integer(image_field::width, width)
      .integer(image_field::colorspace, channels)
      .text(image_field::encoded, {reinterpret_cast<const char*>(encoded.data()), encoded.size()});
  const Message item = Message().text(value::tag, tag).text(value::image, picture.bytes());
  write_event(step, event::summary, Message().text(summary_value, item.bytes()).bytes());
}

void EventFile::write_event(std::int64_t step, std::uint32_t field, const std::string& content) {
  const std::string data =
      Message().real(event::wall_time, wall_clock()).integer(event::step, step).text(field, content).bytes();
  Message length;
  length.little_endian(data.size(), 8);
  Message frame = length;
  frame.little_endian(masked_crc32c(as_bytes(length.bytes())), 4);
  Message end;
  end.little_endian(masked_crc32c(as_bytes(data)), 4);
  const std::string whole = frame.bytes() + data + end.bytes();
  if (std::fwrite(whole.data(), 1, whole.size(), file_) != whole.size() || std::fflush(file_) != 0)
    fail(ErrorKind::file, "{}: can't write: {}", path_.string(), std::strerror(errno));
}

}  // namespace ganvas
