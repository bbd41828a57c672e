#include "format/zip_writer.hpp"

#include <algorithm>

#include "format/zip_reader.hpp"

namespace ganvas::format {
namespace {

constexpr std::uint64_t kAlignment = 64;
constexpr std::uint32_t kFull = 0xffffffff;  // "see the zip64 field"
constexpr std::uint32_t kDate = 0x00210000;  // 1980-01-01: the same weights make the same file

template <typename Number>
void put(std::string& bytes, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
}

std::uint32_t low(std::uint64_t number) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, kFull)); }

/// The zip64 extra field with those of the numbers that need it.
std::string zip64_field(std::initializer_list<std::uint64_t> numbers) {
  std::string content;
  for (const std::uint64_t number : numbers) {
    if (number >= kFull) put(content, number);
  }
  if (content.empty()) return {};
  std::string field;
  put<std::uint16_t>(field, 1);
  put<std::uint16_t>(field, static_cast<std::uint16_t>(content.size()));
  return field + content;
}

/// From "version needed" to the sizes: what the local header and the directory have in common.
std::string common_header(std::uint32_t crc32, std::uint64_t length, bool is_zip64) {
  std::string bytes;
  put<std::uint16_t>(bytes, is_zip64 ? 45 : 20);
  put<std::uint16_t>(bytes, 0x0800);  // names are UTF-8
  put<std::uint16_t>(bytes, 0);       // stored
  put<std::uint32_t>(bytes, kDate);
  put<std::uint32_t>(bytes, crc32);
  put<std::uint32_t>(bytes, low(length));
  put<std::uint32_t>(bytes, low(length));
  return bytes;
}

}  // namespace

void ZipWriter::write(const std::string& bytes) {
  file_.write(bytes);
  position_ += bytes.size();
}

void ZipWriter::add(const std::string& name, std::span<const std::uint8_t> content) {
  const std::uint64_t start = position_, length = content.size();
  const std::string local_field = zip64_field({length, length}), field = zip64_field({length, length, start});
  const std::string common = common_header(checksum(content), length, !field.empty());

  // Torch's own extra field "FB" fills up to the alignment.
  const std::uint64_t unaligned = start + 30 + name.size() + local_field.size() + 4;
  const std::uint64_t padding = (kAlignment - unaligned % kAlignment) % kAlignment;
  std::string header = "PK\x03\x04" + common;
  put<std::uint16_t>(header, static_cast<std::uint16_t>(name.size()));
  put<std::uint16_t>(header, static_cast<std::uint16_t>(local_field.size() + 4 + padding));
  header += name + local_field + "FB";
  put<std::uint16_t>(header, static_cast<std::uint16_t>(padding));
  header.append(padding, 'Z');
  write(header);
  file_.write(content);
  position_ += length;

  directory_ += "PK\x01\x02";
  put<std::uint16_t>(directory_, 45);
  directory_ += common;
  put<std::uint16_t>(directory_, static_cast<std::uint16_t>(name.size()));
  put<std::uint16_t>(directory_, static_cast<std::uint16_t>(field.size()));
  directory_.append(10, '\0');  // no comment, first disk, no attributes
  put<std::uint32_t>(directory_, low(start));
  directory_ += name + field;
  ++count_;
}

void ZipWriter::add(const std::string& name, const std::string& content) {
  add(name, std::span(reinterpret_cast<const std::uint8_t*>(content.data()), content.size()));
}

void ZipWriter::finish() {
  const std::uint64_t start = position_, length = directory_.size();
  write(directory_);
  const bool is_zip64 = start >= kFull || length >= kFull || count_ >= 0xffff;
  std::string end;
  if (is_zip64) {
    end += "PK\x06\x06";
    put<std::uint64_t>(end, 44);  // size of the rest of this record
    put<std::uint16_t>(end, 45);
    put<std::uint16_t>(end, 45);
    put<std::uint64_t>(end, 0);  // two disk numbers
    for (const std::uint64_t number : {count_, count_, length, start}) put(end, number);
    end += "PK\x06\x07";
    put<std::uint32_t>(end, 0);
    put<std::uint64_t>(end, start + length);
    put<std::uint32_t>(end, 1);
  }
  end += "PK\x05\x06";
  put<std::uint32_t>(end, 0);  // two disk numbers
  const auto count = static_cast<std::uint16_t>(std::min<std::uint64_t>(count_, 0xffff));
  put<std::uint16_t>(end, count);
  put<std::uint16_t>(end, count);
  put<std::uint32_t>(end, low(length));
  put<std::uint32_t>(end, low(start));
  put<std::uint16_t>(end, 0);
  write(end);
}

}  // namespace ganvas::format
