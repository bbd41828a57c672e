#include "ganvas/core/files.hpp"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/list_files.hpp"

namespace fs = std::filesystem;

namespace ganvas {

Bytes read_file(const fs::path& path, std::uint64_t max_bytes) {
  // A pipe without a writer, or a server that doesn't answer, may keep us waiting for ever.
  const InterruptibleCall interruptible;
  int descriptor = -1;
  while ((descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) < 0 && errno == EINTR) throw_if_interrupted();
  if (descriptor < 0) fail(ErrorKind::file, "{}: can't open: {}", path.string(), std::strerror(errno));
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } closer{descriptor};

  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    fail(ErrorKind::file, "{}: can't read: {}", path.string(), std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail(ErrorKind::file, "{}: is a folder, not a file", path.string());
  const auto expected = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
  if (expected > max_bytes)
    fail(ErrorKind::file, "{}: {} bytes are more than the limit of {}", path.string(), expected, max_bytes);

  // The size is a hint only: pipes and /proc files report 0.
  Bytes bytes(expected > 0 ? expected : 65536);
  std::size_t used = 0;
  for (;;) {
    if (used == bytes.size()) bytes.resize(bytes.size() + std::max<std::size_t>(bytes.size() / 2, 65536));
    const ssize_t got = ::read(descriptor, bytes.data() + used, bytes.size() - used);
    throw_if_interrupted();
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorKind::file, "{}: can't read: {}", path.string(), std::strerror(errno));
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > max_bytes) fail(ErrorKind::file, "{}: more than the limit of {} bytes", path.string(), max_bytes);
    if (used == expected) break;
  }
  bytes.resize(used);
  return bytes;
}

namespace {

/// Matches one [...] class at the front of `pattern`; returns how many pattern characters it took, 0 if malformed.
std::size_t match_class(std::string_view pattern, char c, bool& matched) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (pattern[i] != ']' || first); first = false) {
    char low = pattern[i], high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = pattern[i + 2];
      i += 2;
    }
    found |= low <= c && c <= high;
    ++i;
  }
  if (i >= pattern.size()) return 0;
  matched = found != negated;
  return i + 1;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    if (pattern.front() == '*') {
      const bool deep = pattern.starts_with("**");
      std::string_view rest = pattern.substr(deep ? 2 : 1);
      // "**/" also matches no folder at all.
      if (deep && rest.starts_with("/") && glob_match(rest.substr(1), text)) return true;
      for (std::size_t skip = 0; skip <= text.size(); ++skip) {
        if (glob_match(rest, text.substr(skip))) return true;
        if (!deep && skip < text.size() && text[skip] == '/') return false;
      }
      return false;
    }
    if (text.empty()) return false;
    std::size_t taken = 1;
    bool matched = pattern.front() == text.front();
    if (pattern.front() == '?') matched = text.front() != '/';
    if (pattern.front() == '[') {
      bool in_class = false;
      if (const std::size_t length = match_class(pattern, text.front(), in_class)) {
        taken = length;
        matched = in_class;
      }
    }
    if (!matched) return false;
    pattern.remove_prefix(taken);
    text.remove_prefix(1);
  }
  return text.empty();
}

bool has_glob_characters(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

std::vector<fs::path> expand_glob(const std::string& pattern) {
  std::vector<fs::path> paths;
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0)
    for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  return paths;
}

std::vector<fs::path> list_files(const fs::path& folder, bool recursive, std::vector<fs::path>* unlisted,
                                 const std::function<bool(const fs::path&)>& enters) {
  std::vector<fs::path> files, folders{folder};
  while (!folders.empty()) {
    const fs::path current = std::move(folders.back());
    folders.pop_back();
    std::error_code error;
    fs::directory_iterator entries(current, error);
    if (error && !unlisted) fail(ErrorKind::file, "{}: can't list: {}", current.string(), error.message());
    if (error) unlisted->push_back(current);
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
      const fs::directory_entry& entry = *entries;
      if (entry.path().filename().native().starts_with('.')) continue;
      // A symbolic link to a folder is not followed: it may lead back up.
      std::error_code unknown;
      if (entry.is_regular_file(unknown)) files.push_back(entry.path());
      else if (recursive && !entry.is_symlink(unknown) && entry.is_directory(unknown)) {
        if (!enters || enters(entry.path())) folders.push_back(entry.path());
      } else if (unlisted && entry.is_symlink(unknown) && !entry.exists(unknown)) unlisted->push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> list_files(const fs::path& folder, bool recursive, std::vector<fs::path>* unlisted) {
  return list_files(folder, recursive, unlisted, {});
}

std::string why_not_there(const fs::path& path, const std::string& otherwise) {
  std::error_code error;
  return fs::exists(path, error) || !error ? otherwise : error.message();
}

std::string why_unlisted(const fs::path& path) {
  std::error_code unknown;
  return fs::is_symlink(path, unknown) ? "is a link to a file that isn't there" : "can't list this folder";
}

fs::path cache_folder() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg) return fs::path(xdg) / "ganvas";
  const char* home = std::getenv("HOME");
  return fs::path(home && *home ? home : "/tmp") / ".cache" / "ganvas";
}

}  // namespace ganvas
