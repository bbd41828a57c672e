#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ganvas {

using Bytes = std::vector<std::uint8_t>;

/// Whole file as bytes. Throws Error(file) when it can't be read or is larger than `max_bytes`.
Bytes read_file(const std::filesystem::path& path, std::uint64_t max_bytes = UINT64_C(1) << 40);

/// A file that appears under its final name only when it is complete: written beside the target under a hidden
/// temporary name, synced, then renamed over it. Destroyed without commit(), it leaves nothing behind.
/// All failures (no space, no permission) throw Error(file) that names the target.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::uint8_t> bytes);
  void write(std::string_view text);
  /// Syncs and renames. The target holds the new content afterwards, whatever happens to the process.
  void commit();

 private:
  [[noreturn]] void fail_with_errno(const char* action) const;
  std::filesystem::path target_, temporary_;
  int descriptor_ = -1;
};

void write_file_atomically(const std::filesystem::path& target, std::span<const std::uint8_t> bytes);
void write_file_atomically(const std::filesystem::path& target, std::string_view text);

/// Shell-style match of a whole text: `*` and `?` (neither crosses '/'), `**` (crosses '/'), `[a-z]`, `[!a]`.
bool glob_match(std::string_view pattern, std::string_view text);
bool has_glob_characters(std::string_view text);
/// Paths that match `pattern`, sorted; empty when none does.
std::vector<std::filesystem::path> expand_glob(const std::string& pattern);

/// Regular files below `folder`, sorted by path. Hidden names (leading '.') are passed over. Folders that can't be
/// listed and links that lead nowhere go to `unlisted`; without that the former throw Error(file).
std::vector<std::filesystem::path> list_files(const std::filesystem::path& folder, bool recursive,
                                              std::vector<std::filesystem::path>* unlisted = nullptr);
/// Why list_files() put a path there, to stand behind its name.
std::string why_unlisted(const std::filesystem::path& path);

/// $XDG_CACHE_HOME/ganvas, or ~/.cache/ganvas.
std::filesystem::path cache_folder();

}  // namespace ganvas
