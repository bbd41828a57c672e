// ganvas data pair: two trees of one set of names become one tree of pictures side by side.
#include <map>

#include "commands/picture_tree.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/beside.hpp"
#include "ganvas/imaging/codec.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

struct Sides {
  std::vector<PictureFile> a, b;
};

/// All names of both trees, each with its files.
std::map<fs::path, Sides> match_names(const DataPairRequest& request) {
  std::map<fs::path, Sides> names;
  for (const auto& folder : {request.a, request.b})
    if (!fs::is_directory(folder)) fail(ErrorKind::data, "{}: is no folder", folder);
  for (auto& file : list_tree({request.a}, request.tree.out)) names[file.name].a.push_back(std::move(file));
  for (auto& file : list_tree({request.b}, request.tree.out)) names[file.name].b.push_back(std::move(file));
  return names;
}

std::string problem_of(const std::vector<PictureFile>& own, const std::vector<PictureFile>& others,
                       const std::string& other_folder) {
  for (const auto* side : {&own, &others})
    for (const PictureFile& file : *side)
      if (!file.problem.empty()) return fmt::format("{}: {}", file.in.string(), file.problem);
  if (others.empty()) return fmt::format("no picture of this name in {}", other_folder);
  for (const auto* side : {&own, &others})
    if (side->size() > 1)
      return fmt::format("{} and {} have one name; which is meant?", side->at(0).in.string(), side->at(1).in.string());
  return {};
}

std::vector<PictureFile> match(const DataPairRequest& request) {
  std::vector<PictureFile> pairs;
  for (auto& [name, sides] : match_names(request)) {
    const bool in_a = !sides.a.empty();
    const auto& own = in_a ? sides.a : sides.b;
    const auto& others = in_a ? sides.b : sides.a;
    const fs::path partner = others.empty() ? fs::path() : others.front().in;
    pairs.push_back({own.front().in, name, partner, problem_of(own, others, in_a ? request.b : request.a)});
  }
  return pairs;
}

int bits(Depth depth) { return depth == Depth::u8 ? 8 : depth == Depth::u16 ? 16 : 32; }

/// Of two depths the smaller one is taken, which shall not go unnoticed.
void warn_of_depths(const fs::path& a, Depth depth_a, const fs::path& b, Depth depth_b) {
  if (depth_a == depth_b) return;
  const bool a_loses = depth_a > depth_b;
  log(LogLevel::warning, "{}: made {} bit, as {} is", (a_loses ? a : b).string(), bits(std::min(depth_a, depth_b)),
      (a_loses ? b : a).string());
}

}  // namespace

int run(const DataPairRequest& request) {
  return make_tree(match(request), request.tree, "pairing", "paired", [&](const PictureFile& pair, std::size_t) {
    const fs::path path = output_of(request.tree, pair, request.tree.format);
    const Image a = read_image(pair.in).image, b = read_image(pair.partner).image;
    const Image both = beside(a, b);
    warn_of_depths(pair.in, a.depth(), pair.partner, b.depth());
    write_picture(path, both);
    return path;
  });
}

}  // namespace ganvas::cli
