#include "report/folder_names.hpp"

#include <algorithm>

namespace fs = std::filesystem;

namespace ganvas {

std::vector<std::string> names_of_folders(const std::vector<fs::path>& folders) {
  const auto parts = [](const fs::path& folder, int count) {
    fs::path path = fs::absolute(folder).lexically_normal(), name;
    if (!path.has_filename()) path = path.parent_path();
    for (int i = 0; i < count && path.has_filename(); ++i, path = path.parent_path())
      name = name.empty() ? path.filename() : path.filename() / name;
    return name.string();
  };
  std::vector<std::string> names;
  for (const auto& folder : folders) {
    const auto same = [&](int count) {
      return std::count_if(folders.begin(), folders.end(),
                           [&](const fs::path& other) { return parts(other, count) == parts(folder, count); });
    };
    int count = 1;
    while (count < 4 && same(count) > 1) ++count;
    std::string name = parts(folder, count);
    while (std::find(names.begin(), names.end(), name) != names.end()) name += "'";
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace ganvas
