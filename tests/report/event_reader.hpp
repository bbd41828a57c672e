#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ganvas/core/files.hpp"

/// A slow reader of TensorBoard's event files that shares nothing with the writer.
namespace ganvas::test {

inline std::uint32_t bitwise_masked_crc(const Bytes& bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool carry = ((crc ^ (byte >> bit)) & 1) != 0;
      crc >>= 1;
      if (carry) crc ^= 0x82F63B78;
    }
  crc ^= 0xFFFFFFFF;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
}

struct Field {
  std::uint64_t number = 0;  ///< of varints and fixed fields
  Bytes bytes;               ///< of the others
};

/// The fields of a Protocol Buffers message, in their order.
inline std::vector<std::pair<int, Field>> read_fields(const Bytes& message) {
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      REQUIRE(at < message.size());
      const std::uint8_t byte = message[at++];
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  };
  std::vector<std::pair<int, Field>> fields;
  while (at < message.size()) {
    const std::uint64_t key = varint();
    Field field;
    const int wire = static_cast<int>(key & 7);
    if (wire == 0) {
      field.number = varint();
    } else {
      REQUIRE((wire == 1 || wire == 2 || wire == 5));
      const std::size_t size = wire == 1 ? 8 : wire == 5 ? 4 : varint();
      REQUIRE(size <= message.size() - at);
      field.bytes.assign(message.begin() + static_cast<std::ptrdiff_t>(at),
                         message.begin() + static_cast<std::ptrdiff_t>(at + size));
      at += size;
    }
    fields.emplace_back(static_cast<int>(key >> 3), std::move(field));
  }
  return fields;
}

template <typename T>
T from_bytes(const Bytes& bytes) {
  T value;
  REQUIRE(bytes.size() == sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

struct ReadPicture {
  Bytes encoded;
  std::uint64_t width = 0, height = 0, channels = 0;
};

struct ReadEvent {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string file_version;
  bool session_start = false;
  std::map<std::string, float> scalars;
  std::map<std::string, ReadPicture> pictures;
};

inline void read_value(const Bytes& message, ReadEvent& event) {
  std::string tag;
  for (const auto& [number, field] : read_fields(message)) {
    if (number == 1) tag.assign(field.bytes.begin(), field.bytes.end());
    if (number == 2) event.scalars[tag] = from_bytes<float>(field.bytes);
    if (number != 4) continue;
    ReadPicture& picture = event.pictures[tag];
    for (const auto& [inner, value] : read_fields(field.bytes)) {
      if (inner == 1) picture.height = value.number;
      if (inner == 2) picture.width = value.number;
      if (inner == 3) picture.channels = value.number;
      if (inner == 4) picture.encoded = value.bytes;
    }
  }
}

inline ReadEvent read_event(const Bytes& message) {
  ReadEvent event;
  for (const auto& [number, field] : read_fields(message)) {
    if (number == 1) event.wall_time = from_bytes<double>(field.bytes);
    if (number == 2) event.step = static_cast<std::int64_t>(field.number);
    if (number == 3) event.file_version.assign(field.bytes.begin(), field.bytes.end());
    if (number == 5)
      for (const auto& [inner, value] : read_fields(field.bytes))
        if (inner == 1) read_value(value.bytes, event);
    if (number == 7)
      for (const auto& [inner, value] : read_fields(field.bytes))
        event.session_start = event.session_start || (inner == 1 && value.number == 1);
  }
  return event;
}

inline std::vector<ReadEvent> read_events(const std::filesystem::path& path) {
  const Bytes file = read_file(path);
  std::size_t at = 0;
  const auto take = [&](std::size_t count) {
    REQUIRE(count <= file.size() - at);
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at);
    at += count;
    return Bytes(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  std::vector<ReadEvent> events;
  while (at < file.size()) {
    const Bytes length = take(8);
    CHECK(from_bytes<std::uint32_t>(take(4)) == bitwise_masked_crc(length));
    const Bytes data = take(from_bytes<std::uint64_t>(length));
    CHECK(from_bytes<std::uint32_t>(take(4)) == bitwise_masked_crc(data));
    events.push_back(read_event(data));
  }
  return events;
}

/// In the order in which TensorBoard reads them.
inline std::vector<std::filesystem::path> event_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : list_files(folder, false))
    if (file.filename().string().starts_with("events.out.tfevents.")) files.push_back(file);
  return files;
}

}  // namespace ganvas::test
