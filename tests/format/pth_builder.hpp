#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ganvas/core/files.hpp"

/// Hand-made .pth files: pickles as text, and containers with every field open to lies.
namespace ganvas::test {

inline std::string little_endian(std::uint64_t number, std::size_t length) {
  std::string bytes;
  for (std::size_t i = 0; i < length; ++i) bytes += static_cast<char>(i < 8 ? number >> (8 * i) & 0xff : 0);
  return bytes;
}

struct ZipPart {
  std::string name, content;
  std::uint16_t method = 0, flags = 0;
  std::int64_t length_added = 0;  // to the length in the directory
  std::int64_t offset_added = 0;  // to the offset in the directory
  std::uint32_t crc_changed = 0;
  bool has_zip64_field = false;
};

inline std::string zip_of(const std::vector<ZipPart>& parts, bool has_zip64_end = false) {
  std::string file, directory;
  for (const ZipPart& part : parts) {
    const auto crc = static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(part.content.data()),
                                                        static_cast<uInt>(part.content.size()))) ^
                     part.crc_changed;
    const std::uint64_t length = part.content.size() + static_cast<std::uint64_t>(part.length_added);
    const std::uint64_t offset = file.size() + static_cast<std::uint64_t>(part.offset_added);
    const std::string common =
        little_endian(part.flags, 2) + little_endian(part.method, 2) + little_endian(0, 4) + little_endian(crc, 4);
    file += "PK\x03\x04" + little_endian(20, 2) + common + little_endian(part.content.size(), 4) +
            little_endian(part.content.size(), 4) + little_endian(part.name.size(), 2) + little_endian(0, 2) +
            part.name + part.content;
    const std::string field = part.has_zip64_field
                                  ? little_endian(1, 2) + little_endian(24, 2) + little_endian(length, 8) +
                                        little_endian(length, 8) + little_endian(offset, 8)
                                  : "";
    const auto low = [&](std::uint64_t number) { return little_endian(part.has_zip64_field ? 0xffffffff : number, 4); };
    directory += "PK\x01\x02" + little_endian(20, 2) + little_endian(20, 2) + common + low(length) + low(length) +
                 little_endian(part.name.size(), 2) + little_endian(field.size(), 2) + little_endian(0, 10) +
                 low(offset) + part.name + field;
  }
  std::string end;
  const auto low = [&](std::uint64_t number, std::size_t size) {
    return little_endian(has_zip64_end ? UINT64_MAX : number, size);
  };
  if (has_zip64_end) {
    end += "PK\x06\x06" + little_endian(44, 8) + little_endian(45, 2) + little_endian(45, 2) + little_endian(0, 8) +
           little_endian(parts.size(), 8) + little_endian(parts.size(), 8) + little_endian(directory.size(), 8) +
           little_endian(file.size(), 8);
    end += "PK\x06\x07" + little_endian(0, 4) + little_endian(file.size() + directory.size(), 8) + little_endian(1, 4);
  }
  end += "PK\x05\x06" + little_endian(0, 4) + low(parts.size(), 2) + low(parts.size(), 2) + low(directory.size(), 4) +
         low(file.size(), 4) + little_endian(0, 2);
  return file + directory + end;
}

/// A zip .pth of a pickle and its storages "0", "1", ...
inline std::string zip_pth(const std::string& pickle, const std::vector<std::string>& storages = {}) {
  std::vector<ZipPart> parts{{"model/data.pkl", pickle}};
  for (std::size_t i = 0; i < storages.size(); ++i) parts.push_back({"model/data/" + std::to_string(i), storages[i]});
  parts.push_back({"model/version", "3\n"});
  return zip_of(parts);
}

/// A legacy .pth: the count of each storage stands before its bytes.
inline std::string legacy_pth(const std::string& pickle,
                              const std::vector<std::pair<std::uint64_t, std::string>>& storages = {}) {
  const std::string proto("\x80\x02", 2);
  std::string file = proto + std::string("\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", 13) + proto + "M\xe9\x03." + proto +
                     "}(U\x0dlittle_endian\x88u." + pickle + proto + "](";
  for (std::size_t i = 0; i < storages.size(); ++i) file += "U\x01" + std::to_string(i);
  file += "e.";
  for (const auto& [count, bytes] : storages) file += little_endian(count, 8) + bytes;
  return file;
}

// ---- pieces of pickles ----

inline std::string text_of(const std::string& text) { return "X" + little_endian(text.size(), 4) + text; }
inline std::string integer_of(std::int64_t value) {
  return std::string("\x8a\x08") + little_endian(static_cast<std::uint64_t>(value), 8);
}
inline std::string tuple_of(const std::vector<std::int64_t>& values) {
  std::string bytes = "(";
  for (const std::int64_t value : values) bytes += integer_of(value);
  return bytes + "t";
}
inline std::string storage_of(const std::string& key, std::int64_t count, const std::string& type = "FloatStorage") {
  return "(" + text_of("storage") + "ctorch\n" + type + "\n" + text_of(key) + text_of("cpu") + integer_of(count) + "tQ";
}
inline std::string tensor_of(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                             const std::vector<std::int64_t>& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + integer_of(offset) + tuple_of(sizes) + tuple_of(strides) +
         "\x89" + "ccollections\nOrderedDict\n)RtR";
}
/// {key: value, ...} and the end of the pickle.
inline std::string dict_of(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string bytes = "}(";
  for (const auto& [key, value] : items) bytes += text_of(key) + value;
  return bytes + "u";
}
inline std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace ganvas::test
