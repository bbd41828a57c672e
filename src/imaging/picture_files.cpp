#include "ganvas/imaging/picture_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/list_files.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/paths.hpp"
#include "ganvas/imaging/format_name.hpp"
#include "imaging/sniff.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

bool matches_any(const std::vector<std::string>& patterns, const fs::path& below) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return glob_match(pattern, below.string()) || glob_match(pattern, below.filename().string());
  });
}

bool is_wanted(const fs::path& below, const PictureSearch& search) {
  return (search.include.empty() || matches_any(search.include, below)) && !matches_any(search.exclude, below);
}

bool is_run(const fs::path& folder) {
  std::error_code unknown;
  return fs::exists(folder / "recipe.toml", unknown) && fs::exists(folder / "log.jsonl", unknown);
}

bool promises_picture(const fs::path& path) {
  const std::string extension = path.extension().string();
  return format_from_name(extension) || foreign_format(extension);
}

/// The search below one folder.
class FolderSearch {
 public:
  FolderSearch(const fs::path& folder, const PictureSearch& search) : folder_(folder), search_(search) {
    for (const auto& other : search.others)
      if (!other.empty() && lies_below(other, folder)) others_.push_back(other);
  }

  std::vector<PictureFile> run() {
    std::vector<fs::path> unlisted;
    for (const auto& path :
         list_files(folder_, search_.recursive, &unlisted, [this](const fs::path& below) { return enters(below); }))
      add_file(path);
    for (const auto& path : unlisted) add_unlisted(path);
    std::sort(troubled_.begin(), troubled_.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    std::move(troubled_.begin(), troubled_.end(), std::back_inserter(found_));
    if (runs_ > 0) log(LogLevel::info, "{}: {} training run(s) below it passed over", folder_.string(), runs_);
    return std::move(found_);
  }

 private:
  bool enters(const fs::path& folder) {
    std::error_code unknown;
    for (const auto& other : others_)
      if (fs::equivalent(folder, other, unknown)) return false;
    const bool run = is_run(folder);
    runs_ += run;
    return !run;
  }

  /// A link to one of the others' files.
  bool leads_to_others(const fs::path& path) const {
    std::error_code unknown;
    return !others_.empty() && fs::is_symlink(path, unknown) &&
           std::any_of(others_.begin(), others_.end(), [&](const fs::path& other) { return lies_below(path, other); });
  }

  void add_file(const fs::path& path) {
    const fs::path below = path.lexically_relative(folder_);
    if (!is_wanted(below, search_)) return;
    const std::string extension = path.extension().string();
    if (format_from_name(extension)) {
      if (!leads_to_others(path)) found_.push_back({path, below});
      return;
    }
    const FileHead head = read_head(path);
    const ForeignFormat* foreign = foreign_format(extension);
    const bool picture = sniff_format(head.bytes()).has_value();
    if (!picture && (!foreign || (foreign->by_mark_alone && !has_mark(head.bytes(), *foreign)))) return;
    if (leads_to_others(path)) return;
    if (picture) found_.push_back({path, below});
    else troubled_.push_back({path, below, {}, refusal_of(*foreign), /*foreign=*/true});
  }

  void add_unlisted(const fs::path& path) {
    const fs::path below = path.lexically_relative(folder_);
    std::error_code unknown;
    // A pattern on what is in a folder excludes it too.
    const bool wanted = fs::is_symlink(path, unknown)
                            ? is_wanted(below, search_) && promises_picture(path)
                            : !matches_any(search_.exclude, below) && !matches_any(search_.exclude, below / "any");
    if (wanted) troubled_.push_back({path, below, {}, why_unlisted(path)});
  }

  const fs::path& folder_;
  const PictureSearch& search_;
  std::vector<fs::path> others_;
  std::vector<PictureFile> found_, troubled_;
  int runs_ = 0;
};

}  // namespace

std::vector<PictureFile> list_pictures(const fs::path& place, const PictureSearch& search) {
  std::error_code unknown;
  if (fs::is_directory(place, unknown)) return FolderSearch(place, search).run();
  if (!fs::exists(place, unknown)) fail(ErrorKind::data, "{}: {}", place.string(), why_not_there(place));
  const fs::path name = place.filename();
  if (!is_wanted(name, search)) return {};
  return {{place, name}};
}

std::vector<PictureFile> list_pictures(const std::vector<fs::path>& places, const PictureSearch& search) {
  std::vector<PictureFile> all;
  for (const auto& place : places) {
    auto found = list_pictures(place, search);
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<PictureFile> require_pictures(const std::vector<fs::path>& places, const PictureSearch& search) {
  auto pictures = list_pictures(places, search);
  if (pictures.empty()) fail_without_pictures(places);
  return pictures;
}

void fail_without_pictures(const std::vector<fs::path>& places) {
  std::vector<std::string> names;
  for (const auto& place : places) names.push_back(place.string());
  fail(ErrorKind::data, "{}: no pictures found", fmt::join(names, ", "));
}

std::vector<PictureFile> readable_pictures(std::vector<PictureFile> pictures) {
  std::vector<PictureFile> readable, foreign;
  for (auto& picture : pictures) {
    if (!picture.problem.empty() && !picture.foreign)
      fail(ErrorKind::data, "{}: {}", picture.path.string(), picture.problem);
    (picture.foreign ? foreign : readable).push_back(std::move(picture));
  }
  if (!foreign.empty())
    log(LogLevel::warning, "{}: {}; passed over{}", foreign.front().path.string(), foreign.front().problem,
        foreign.size() > 1 ? fmt::format(", and {} more of other formats", foreign.size() - 1) : "");
  return readable;
}

PictureName split_name(const fs::path& file) {
  const std::string name = file.filename().string();
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return {name, {}};
  const std::string extension = name.substr(dot + 1);
  const auto fits = [](unsigned char c) { return c < 0x80 && (std::isalnum(c) || c == '_'); };
  const bool is_one = !extension.empty() && extension.size() <= 10 &&
                      std::isalpha(static_cast<unsigned char>(extension[0])) &&
                      std::all_of(extension.begin(), extension.end(), fits);
  if (!is_one) return {name, {}};
  return {name.substr(0, dot), extension};
}

fs::path without_extension(const fs::path& path) { return path.parent_path() / split_name(path).stem; }

}  // namespace ganvas
