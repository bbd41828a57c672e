// ganvas data pair: two trees of one set of names become one tree of pictures side by side.
#include "commands/picture_tree.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_partners.hpp"
#include "ganvas/imaging/side_by_side.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

std::vector<TreePicture> match(const DataPairRequest& request) {
  for (const auto& folder : {request.a, request.b}) {
    if (!fs::is_directory(folder)) fail(ErrorKind::data, "{}: is no folder", folder);
    require_other_folder(folder, request.tree.out);
  }
  return named(pair_pictures(request.a, request.b, {request.tree.out}));
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
  return make_tree(match(request), request.tree, "pairing", "paired", [&](const TreePicture& pair, std::size_t) {
    const fs::path path = output_of(request.tree, pair, request.tree.format);
    const Image a = read_image(pair.path).image, b = read_image(pair.partner).image;
    const Image both = side_by_side(a, b);
    warn_of_depths(pair.path, a.depth(), pair.partner, b.depth());
    write_picture(path, both);
    return path;
  });
}

}  // namespace ganvas::cli
