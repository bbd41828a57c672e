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

/// What becomes of a file that has the target's name when the new one is complete.
enum class Existing {
  replaced,
  kept,  ///< the new one is dropped with SettingError(file, "force")
};

/// A file that appears under its final name only when it is complete: written beside the target under a hidden
/// temporary name, synced, then renamed over it. Destroyed without commit(), it leaves nothing behind; what a killed
/// process left, the next one that writes into the folder removes. A file that is replaced hands on its mode and owner,
/// a link is followed; pipes and devices are written to as they are. All failures (no space, no permission) throw
/// Error(file) that names the target; waiting for a pipe's reader may throw Error(interrupted).
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::uint8_t> bytes);
  void write(std::string_view text);
  /// Syncs and renames. The target holds the new content afterwards, whatever happens to the process.
  void commit(Existing existing = Existing::replaced);

 private:
  [[noreturn]] void fail_with_errno(const char* action) const;
  void open_stream();
  void open_temporary();
  void give_name(Existing existing);
  std::filesystem::path target_, place_;  ///< as asked for; behind links
  std::filesystem::path temporary_;       ///< empty: there is none
  int descriptor_ = -1;
};

/// Removes what killed processes left of AtomicFiles in this folder; files of living ones are locked and stay. Where
/// locks may not reach the other hosts (network file systems) only files a day old go.
void sweep_temporary_files(const std::filesystem::path& folder);

/// Whether a path is something to write into, not to replace: a pipe, a device, or a stream of this process
/// (/dev/stdout, /dev/fd/5).
bool is_stream(const std::filesystem::path& path);

void write_file_atomically(const std::filesystem::path& target, std::span<const std::uint8_t> bytes,
                           Existing existing = Existing::replaced);
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
/// Of a path that doesn't exist: "Permission denied" where a folder on the way can't be entered, a name that is too
/// long, a loop of links; else `otherwise`.
std::string why_not_there(const std::filesystem::path& path, const std::string& otherwise = "no such file or folder");

/// Why list_files() put a path there, to stand behind its name.
std::string why_unlisted(const std::filesystem::path& path);

/// $XDG_CACHE_HOME/ganvas, or ~/.cache/ganvas.
std::filesystem::path cache_folder();

}  // namespace ganvas
