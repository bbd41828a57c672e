#include "ganvas/imaging/picture_partners.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "ganvas/core/error.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// Folder below the place, and stem.
using Key = std::pair<std::string, std::string>;

Key key_of(const PictureFile& picture) {
  return {picture.below.parent_path().string(), split_name(picture.below).stem};
}

/// Bytes of other scripts are letters.
bool is_alphanumeric(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte);
}

/// Whether `rest` begins with "x4", and no name goes on behind it.
bool begins_with_scale(std::string_view rest, int scale) {
  if (!rest.starts_with('x')) return false;
  std::size_t end = 1;
  while (end < rest.size() && rest[end] >= '0' && rest[end] <= '9') ++end;
  const bool right = scale > 0 ? rest.substr(1, end - 1) == std::to_string(scale) : end > 1;
  return right && (end == rest.size() || !is_alphanumeric(rest[end]));
}

/// Where in `stem` the name of an original may end, longest first.
template <typename Visit>
void for_each_beginning(const std::string& stem, int scale, bool scale_alone, const Visit& visit) {
  for (std::size_t length = stem.size(); length-- > 1;) {
    const std::string_view rest = std::string_view(stem).substr(length);
    const bool ends = begins_with_scale(rest, scale) || (!scale_alone && !is_alphanumeric(rest[0]));
    if (ends && visit(stem.substr(0, length))) return;
  }
}

/// What may belong to one original, by how well it fits; the best that there is counts.
struct Candidates {
  std::vector<const PictureFile*> same, longer, elsewhere, elsewhere_longer;
  const std::vector<const PictureFile*>& best() const {
    for (const auto* list : {&same, &longer, &elsewhere})
      if (!list->empty()) return *list;
    return elsewhere_longer;
  }
  bool is_from_elsewhere() const { return same.empty() && longer.empty(); }
};

class Matcher {
 public:
  Matcher(const std::vector<PictureFile>& originals, const std::vector<PictureFile>& others, fs::path place, int scale)
      : place_(std::move(place)), scale_(scale) {
    for (const auto& original : originals) candidates_[key_of(original)];
    std::vector<const PictureFile*> strays;
    for (const auto& other : others)
      if (!give_to_same_folder(other)) strays.push_back(&other);
    for (const auto& [key, given] : candidates_)
      if (given.best().empty()) lonely_[key.second].push_back(key);
    for (const auto* stray : strays) give_elsewhere(*stray);
  }

  /// Sets the original's partner, or its problem.
  void complete(PictureFile& original) const {
    const Key key = key_of(original);
    const Candidates& given = candidates_.at(key);
    const auto found = preferred(given.best(), original.below.filename());
    std::string problem;
    if (found.empty()) problem = fmt::format("no picture of this name in {}", place_.string());
    else if (found.size() > 1)
      problem = fmt::format("{} and {} may both belong to it", found[0]->path.string(), found[1]->path.string());
    else if (given.is_from_elsewhere() && lonely_.at(key.second).size() > 1)
      problem =
          fmt::format("{} may belong to it, or to a picture of this name in another folder", found[0]->path.string());
    else if (!found[0]->problem.empty())
      problem = fmt::format("its partner {} {}", found[0]->path.string(), found[0]->problem);
    else original.partner = found[0]->path;
    if (original.problem.empty()) original.problem = problem;
  }

 private:
  /// To the original of its own name, or else of the longest that its name goes on from.
  bool give_to_same_folder(const PictureFile& other) {
    const Key key = key_of(other);
    if (const auto exact = candidates_.find(key); exact != candidates_.end()) {
      exact->second.same.push_back(&other);
      return true;
    }
    bool given = false;
    for_each_beginning(key.second, scale_, /*scale_alone=*/false, [&](const std::string& beginning) {
      const auto owner = candidates_.find({key.first, beginning});
      if (owner == candidates_.end()) return false;
      owner->second.longer.push_back(&other);
      return given = true;
    });
    return given;
  }

  /// To originals that their own folder left without.
  void give_elsewhere(const PictureFile& stray) {
    const std::string stem = key_of(stray).second;
    const auto give = [&](const std::string& name, auto list) {
      const auto found = lonely_.find(name);
      if (found == lonely_.end()) return false;
      for (const Key& key : found->second) (candidates_.at(key).*list).push_back(&stray);
      return true;
    };
    if (give(stem, &Candidates::elsewhere)) return;
    for_each_beginning(stem, scale_, /*scale_alone=*/true,
                       [&](const std::string& beginning) { return give(beginning, &Candidates::elsewhere_longer); });
  }

  /// Readable ones rather than others, then the one of the same name.
  static std::vector<const PictureFile*> preferred(std::vector<const PictureFile*> found, const fs::path& name) {
    const auto keep = [&](const auto& wanted) {
      if (std::any_of(found.begin(), found.end(), wanted)) std::erase_if(found, std::not_fn(wanted));
    };
    keep([](const PictureFile* file) { return file->problem.empty(); });
    keep([&](const PictureFile* file) { return file->below.filename() == name; });
    return found;
  }

  fs::path place_;
  int scale_;
  std::map<Key, Candidates> candidates_;
  std::map<std::string, std::vector<Key>> lonely_;  ///< originals by stem that their own folder left without a partner
};

}  // namespace

std::vector<PictureFile> find_partners(std::vector<PictureFile> originals, const fs::path& place,
                                       const PartnerSearch& search) {
  const auto others = list_pictures(place, {.others = search.originals});
  const auto is_folder = [](const fs::path& path) {
    std::error_code unknown;
    return fs::is_directory(path, unknown);
  };
  if (!is_folder(place)) {
    if (originals.size() > 1 || std::any_of(search.originals.begin(), search.originals.end(), is_folder))
      fail(ErrorKind::usage, "{}: is one file, but the originals are a folder or several", place.string());
    for (auto& original : originals) original.partner = place;
    return originals;
  }
  const Matcher matcher(originals, others, place, search.scale);
  for (auto& original : originals) matcher.complete(original);
  return originals;
}

std::vector<PictureFile> pair_pictures(const fs::path& a, const fs::path& b, const std::vector<fs::path>& results) {
  const auto pictures_of = [&](const fs::path& place, const fs::path& other) {
    PictureSearch search{.others = results};
    search.others.push_back(other);
    return require_pictures({place}, search);
  };
  auto pairs = pictures_of(a, b);
  const auto others = pictures_of(b, a);
  const Matcher matcher(pairs, others, b, 0);
  std::map<fs::path, PictureFile*> owner;  // of a picture of B
  for (auto& picture : pairs) {
    matcher.complete(picture);
    if (picture.partner.empty()) continue;
    if (const auto [other, fresh] = owner.emplace(picture.partner, &picture); !fresh)
      picture.problem =
          fmt::format("{} is the partner of {} already", picture.partner.string(), other->second->path.string());
  }
  std::map<Key, PictureFile*> owner_of_name;
  for (const auto& other : others)
    if (const auto found = owner.find(other.path); found != owner.end())
      owner_of_name.emplace(key_of(other), found->second);
  std::vector<PictureFile> left;
  for (const auto& other : others) {
    if (owner.contains(other.path)) continue;
    if (const auto twin = owner_of_name.find(key_of(other)); twin != owner_of_name.end()) {
      twin->second->problem =
          fmt::format("{} and {} have one name; which is meant?", other.path.string(), twin->second->partner.string());
      continue;
    }
    left.push_back(other);
    if (other.problem.empty()) left.back().problem = fmt::format("no picture of this name in {}", a.string());
  }
  std::move(left.begin(), left.end(), std::back_inserter(pairs));
  return pairs;
}

}  // namespace ganvas
