#include "commands/eval_partners.hpp"

#include <algorithm>
#include <cctype>

#include "ganvas/core/error.hpp"
#include "ganvas/core/paths.hpp"
#include "ganvas/data/pair_source.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

/// Whether `name` is `stem` with something added that no name goes on with: "0001x4", "a_out", but not "a10" for "a1".
bool goes_on(const std::string& name, const std::string& stem, int scale) {
  if (!name.starts_with(stem) || name == stem) return false;
  const std::string rest = name.substr(stem.size());
  const std::string suffix = fmt::format("x{}", scale);
  if (rest.starts_with(suffix))
    return rest.size() == suffix.size() || !std::isalnum(static_cast<unsigned char>(rest[suffix.size()]));
  return !std::isalnum(static_cast<unsigned char>(rest[0]));
}

}  // namespace

EvalPartners::EvalPartners(fs::path originals, fs::path place, int scale)
    : originals_(std::move(originals)), place_(std::move(place)), scale_(scale), files_(list_pictures({place_})) {
  if (fs::is_directory(originals_) && !fs::is_directory(place_))
    fail(ErrorKind::usage, "{}: is one file, but {} is a folder", place_.string(), originals_.string());
}

fs::path EvalPartners::of(const fs::path& original) const {
  if (!fs::is_directory(place_)) return place_;
  const fs::path below = name_below(original, originals_);
  const std::string stem = original.stem().string();
  std::vector<fs::path> same, longer, elsewhere;
  for (const auto& file : files_) {
    const fs::path here = file.lexically_relative(place_);
    if (here == below) return file;
    const bool exact = file.stem() == stem;
    if (here.parent_path() == below.parent_path()) {
      if (exact) same.push_back(file);
      else if (goes_on(file.stem().string(), stem, scale_)) longer.push_back(file);
    } else if (exact) {
      elsewhere.push_back(file);
    }
  }
  const auto& found = !same.empty() ? same : !longer.empty() ? longer : elsewhere;
  if (found.empty()) fail(ErrorKind::data, "no picture of this name in {}", place_.string());
  if (found.size() > 1) fail(ErrorKind::data, "{} and {} may both belong to it", found[0].string(), found[1].string());
  return found.front();
}

std::vector<fs::path> eval_originals(const fs::path& place, const fs::path& results) {
  std::vector<fs::path> files = list_pictures({place});
  if (!results.empty() && lies_below(results, place))
    std::erase_if(files, [&](const fs::path& file) { return lies_below(file, results); });
  return files;
}

std::string name_below(const fs::path& original, const fs::path& originals) {
  const fs::path way = original.lexically_relative(originals);
  return way.empty() || way == "." || *way.begin() == ".." ? original.filename().string() : way.string();
}

}  // namespace ganvas::cli
