// Limits of memory that containers, batch systems and service managers set: cgroups(7), the kernel's
// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst, /proc/[pid]/mountinfo in proc(5).
#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "ganvas/core/memory.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// The names of one version's files.
struct Version {
  std::vector<const char*> limits;
  const char* used;
  std::vector<const char*> cached;  ///< entries of memory.stat
};

const Version version_1{
    {"memory.limit_in_bytes"}, "memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}};
const Version version_2{{"memory.max", "memory.high"}, "memory.current", {"inactive_file", "active_file"}};

/// Where a version's groups are mounted, and the group that this mount shows as its root.
struct Mount {
  fs::path point;
  std::string root;
};

std::uint64_t number_in(const fs::path& path) {
  std::uint64_t value = UINT64_MAX;
  std::ifstream stream(path);
  return stream >> value ? value : UINT64_MAX;  // "max" is no number
}

std::uint64_t cached_in(const fs::path& group, const Version& version) {
  std::uint64_t sum = 0, value = 0;
  std::ifstream stream(group / "memory.stat");
  for (std::string name; stream >> name >> value;)
    if (std::find(version.cached.begin(), version.cached.end(), name) != version.cached.end()) sum += value;
  return sum;
}

std::uint64_t available_in(const fs::path& group, const Version& version) {
  std::uint64_t limit = UINT64_MAX;
  for (const char* name : version.limits) limit = std::min(limit, number_in(group / name));
  const std::uint64_t used = number_in(group / version.used);
  if (limit == UINT64_MAX || used == UINT64_MAX) return UINT64_MAX;
  const std::uint64_t kept = used - std::min(used, cached_in(group, version));
  return limit - std::min(limit, kept);
}

bool has_word(const std::string& list, const std::string& word) {
  std::istringstream stream(list);
  for (std::string item; std::getline(stream, item, ',');)
    if (item == word) return true;
  return false;
}

/// The mount of version 2, or that of version 1's memory controller.
std::optional<Mount> find_mount(const fs::path& mountinfo, bool second) {
  std::ifstream stream(mountinfo);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point, word, type, source, options;
    words >> id >> parent >> device >> root >> point;
    while (words >> word && word != "-") {
    }
    words >> type >> source >> options;
    if (second ? type == "cgroup2" : type == "cgroup" && has_word(options, "memory")) return Mount{point, root};
  }
  return std::nullopt;
}

/// From the process's group up to the mount's root: every one of them has a say.
std::uint64_t available_along(const Mount& mount, const std::string& group, const fs::path& root,
                              const Version& version) {
  std::string below = group;
  // A container may see its own part of the tree only.
  if (mount.root != "/" && group.starts_with(mount.root)) below = group.substr(mount.root.size());
  const fs::path top = root / mount.point.relative_path();
  fs::path folder = (top / fs::path(below).relative_path()).lexically_normal();
  std::uint64_t available = UINT64_MAX;
  for (;;) {
    available = std::min(available, available_in(folder, version));
    const fs::path way = folder.lexically_relative(top);
    if (way.empty() || way == "." || *way.begin() == "..") break;
    folder = folder.parent_path();
  }
  return std::min(available, available_in(top, version));
}

}  // namespace

std::uint64_t available_in_groups(const fs::path& process, const fs::path& root) {
  // Where the system says nothing of mounts: where a container's own group usually shows.
  std::uint64_t available = available_in(root / "sys/fs/cgroup", version_2);
  std::ifstream stream(process / "cgroup");
  for (std::string line; std::getline(stream, line);) {
    // hierarchy:controllers:path; version 2 is hierarchy 0 without controllers.
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
    const bool unified = line.starts_with("0::");
    if (!unified && !has_word(controllers, "memory")) continue;
    if (const auto mount = find_mount(process / "mountinfo", unified))
      available = std::min(available, available_along(*mount, group, root, unified ? version_2 : version_1));
  }
  return available;
}

}  // namespace ganvas
