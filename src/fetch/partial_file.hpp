#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace ganvas {

/// The size of a download in words: decimal, as servers and authors state theirs.
std::string megabytes(std::uint64_t bytes);

/// The hidden file in which a download grows, beside its target, with a note of which version of which URL it holds.
/// It outlives the process that wrote it. All failures throw Error(file) that names the target.
class PartialFile {
 public:
  /// Opens or makes it, and waits for another process that holds it. `url` without secrets.
  PartialFile(std::filesystem::path target, std::string url);
  /// Leaves what has arrived for the next time; an empty file goes.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  /// Bytes that have arrived.
  std::uint64_t size() const { return size_; }
  /// What the server called this version, for If-Range: a strong ETag or a date; may be empty.
  const std::string& version() const { return version_; }
  /// Size of the whole file as the server told; 0 when it didn't.
  std::uint64_t total() const { return total_; }

  /// Empties the file, to begin with this version. Fails when the disk can't take the whole.
  void begin(const std::string& version, std::uint64_t total);
  void write(std::span<const std::uint8_t> bytes);
  /// Fails when the rest of `total` doesn't fit on the disk.
  void check_space(std::uint64_t total) const;
  const std::filesystem::path& path() const { return path_; }
  /// Whether another process held it when it was opened.
  bool waited() const { return waited_; }

  /// Syncs it and makes it the target.
  void commit();
  /// Deletes it.
  void discard();

 private:
  void open_locked();
  void read_note();
  [[noreturn]] void fail_with_errno(const char* action) const;

  std::filesystem::path target_, path_, note_;
  std::string url_, version_;
  std::uint64_t size_ = 0, total_ = 0;
  int descriptor_ = -1;
  bool waited_ = false;
};

}  // namespace ganvas
