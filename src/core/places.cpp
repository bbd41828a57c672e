#include "ganvas/core/places.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

// What may not be looked at (the folders of another user) isn't there.
bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}
bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}
bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

}  // namespace

std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  if (const char* given = std::getenv("GANVAS_MODELS"); given && *given) folders.emplace_back(given);
  std::error_code error;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", error); !error) {
    folders.push_back(self.parent_path().parent_path() / "models");
    folders.push_back(self.parent_path().parent_path() / "share" / "ganvas" / "models");
  }
  folders.push_back(cache_folder() / "models");
  return folders;
}

fs::path find_recipe(const std::string& name) {
  if (is_file(name)) return name;
  std::set<std::string> known;
  for (const auto& folder : model_folders()) {
    const fs::path recipes = folder / "recipes";
    if (fs::path candidate = recipes / (name + ".toml"); is_there(candidate)) return candidate;
    if (!is_folder(recipes)) continue;
    for (const auto& file : list_files(recipes, false))
      if (file.extension() == ".toml") known.insert(file.stem().string());
  }
  fail(ErrorKind::usage, "{}: no such recipe; give a .toml file or one of: {}", name, fmt::join(known, ", "));
}

fs::path reverse_model(const fs::path& path) {
  return path.parent_path() / (path.stem().string() + "-reverse" + path.extension().string());
}

bool is_path(const std::string& name) { return name.find('/') != std::string::npos; }

std::vector<std::string> shipped_models() {
  std::set<std::string> names;
  for (const auto& folder : model_folders()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (is_there(entry.path() / "model.safetensors")) names.insert(entry.path().filename().string());
  }
  return {names.begin(), names.end()};
}

namespace {

/// Whether a file is `name`'s with eight digits of its hash behind that, as torchvision names its own:
/// vgg19-dcbb9e9d.pth.
bool carries_hash(const fs::path& file, const std::string& name) {
  const std::string stem = file.stem().string();
  return file.extension() == ".pth" && stem.size() == name.size() + 9 && stem.starts_with(name + "-") &&
         stem.find_first_not_of("0123456789abcdef", name.size() + 1) == std::string::npos;
}

/// The network in a run's folder, if it is one: it writes its best while it goes on, and its last when it has ended.
std::optional<fs::path> model_of_run(const fs::path& folder) {
  if (!is_folder(folder)) return std::nullopt;
  for (const char* file : {"model.safetensors", "best.safetensors"})
    if (is_there(folder / file)) return folder / file;
  if (is_there(folder / "recipe.toml"))
    fail(ErrorKind::usage, "{}: no network in it yet; a run writes its best one at its first validation",
         folder.string());
  return std::nullopt;
}

}  // namespace

fs::path find_model(const std::string& name) {
  if (is_file(name)) return name;
  if (auto file = model_of_run(name)) return *file;
  for (const auto& folder : model_folders()) {
    if (fs::path candidate = folder / name / "model.safetensors"; is_there(candidate)) return candidate;
    // What was fetched keeps its published name.
    for (const char* extension : {".pth", ".safetensors", ".pt"})
      if (fs::path candidate = folder / (name + extension); is_there(candidate)) return candidate;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (carries_hash(entry.path(), name)) return entry.path();
  }
  if (is_path(name)) fail(ErrorKind::usage, "{}: {}", name, why_not_there(name, "no such model file"));
  fail(ErrorKind::usage, "{}: no such model; give a file or one of: {}; published ones come by ganvas model fetch",
       name, fmt::join(shipped_models(), ", "));
}

}  // namespace ganvas
