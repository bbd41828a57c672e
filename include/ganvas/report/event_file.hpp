#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <span>
#include <string>

namespace ganvas {

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as in RFC 3720.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes);
/// The form in which TFRecord files store it, so that a checksum of data that holds checksums stays strong.
std::uint32_t masked_crc32c(std::span<const std::uint8_t> bytes);

/// Writes TensorBoard's event files: TFRecord frames (length, its masked CRC-32C, data, its masked CRC-32C, all little
/// endian) around Event messages. A stream that grows, so no file by rename: a frame torn by a crash is passed over by
/// the reader. All failures throw Error(file).
class EventFile {
 public:
  /// Begins events.out.tfevents.<seconds>.<host>.<process>.<count> in `folder`; its name sorts behind those of older
  /// event files there. TensorBoard then drops from these all steps >= `restart_step`.
  EventFile(const std::filesystem::path& folder, std::int64_t restart_step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  void scalars(std::int64_t step, const std::map<std::string, double>& values);
  /// An encoded picture (PNG); channels: 1 gray, 2 gray+alpha, 3 RGB, 4 RGBA.
  void image(std::int64_t step, const std::string& tag, std::span<const std::uint8_t> encoded, int width, int height,
             int channels);
  const std::filesystem::path& path() const { return path_; }

 private:
  void write_event(std::int64_t step, std::uint32_t field, const std::string& content);

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

}  // namespace ganvas
