#include "report/partners.hpp"

#include <algorithm>
#include <cctype>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/imaging/codec.hpp"

namespace fs = std::filesystem;

namespace ganvas {

std::vector<fs::path> pictures_in(const fs::path& place) {
  if (!fs::exists(place)) fail(ErrorKind::file, "{}: no such file or folder", place.string());
  if (!fs::is_directory(place)) return {place};
  std::vector<fs::path> files = list_files(place, /*recursive=*/false);
  std::erase_if(files, [](const fs::path& file) { return !format_from_name(file.extension().string()); });
  return files;
}

fs::path partner_in(const std::vector<fs::path>& files, const fs::path& reference, const fs::path& folder) {
  const std::string stem = reference.stem().string();
  std::vector<fs::path> similar;
  for (const auto& file : files) {
    const std::string name = file.stem().string();
    if (name == stem) return file;
    if (name.starts_with(stem) && !std::isalnum(static_cast<unsigned char>(name[stem.size()]))) similar.push_back(file);
  }
  if (similar.empty()) fail(ErrorKind::data, "{}: no picture of this name in {}", reference.string(), folder.string());
  if (similar.size() > 1)
    fail(ErrorKind::data, "{}: {} and {} in {} may both belong to it", reference.string(),
         similar[0].filename().string(), similar[1].filename().string(), folder.string());
  return similar.front();
}

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
