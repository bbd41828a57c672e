#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ganvas::format {

/// Bytes at offsets: a file or a piece of memory. Files are read with pread straight into their destination, which
/// is as quick as a mapping and, unlike one, ends in an Error when somebody shortens the file meanwhile.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Fills `into` from `offset`. Throws Error(model) when the range ends past the source.
  void read(std::uint64_t offset, void* into, std::uint64_t length) const;
  std::string read_text(std::uint64_t offset, std::uint64_t length) const;
  /// The file's name as messages give it.
  const std::string& name() const { return name_; }

 protected:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}
  virtual void do_read(std::uint64_t offset, void* into, std::uint64_t length) const = 0;

 private:
  std::string name_;
};

class FileSource final : public ByteSource {
 public:
  /// Throws Error(file) when `path` can't be opened or isn't a regular file.
  explicit FileSource(const std::filesystem::path& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  std::uint64_t size() const override { return size_; }

 private:
  void do_read(std::uint64_t offset, void* into, std::uint64_t length) const override;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Doesn't own the bytes.
class MemorySource final : public ByteSource {
 public:
  MemorySource(std::span<const std::uint8_t> bytes, std::string name) : ByteSource(std::move(name)), bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }

 private:
  void do_read(std::uint64_t offset, void* into, std::uint64_t length) const override;
  std::span<const std::uint8_t> bytes_;
};

/// A piece of hostile text made fit for a one-line message: quoted, shortened, control characters replaced.
std::string in_quotes(std::string_view text);

}  // namespace ganvas::format
