// ganvas data edges and data gray: inputs made from the very pictures that a network shall make of them.
#include <opencv2/core.hpp>

#include "commands/picture_tree.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/alpha.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/edges.hpp"
#include "ganvas/imaging/side_by_side.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

Image draw(const Image& photo, const DataEdgesRequest& request) {
  Image lines;
  if (request.method == "log") {
    LogOptions options;
    options.sigma = request.sigma.value_or(options.sigma);
    options.threshold = request.threshold;
    lines = log_edges(photo, options);
  } else {
    CannyOptions options{.low = request.low, .high = request.high};
    options.sigma = request.sigma.value_or(options.sigma);
    lines = canny_edges(photo, options);
  }
  if (!request.white_lines) cv::bitwise_not(lines.pixels, lines.pixels);
  return lines;
}

/// The made picture alone or, at the photograph's depth, beside it.
Image finished(const Image& made, const Image& photo, bool pair) {
  return pair ? side_by_side(to_depth(made, photo.depth()), photo) : made;
}

}  // namespace

int run(const DataEdgesRequest& request) {
  const auto files = list_tree(request.tree.places, request.tree.out);
  return make_tree(files, request.tree, "drawing", "drawn", [&](const TreePicture& file, std::size_t) {
    const fs::path path = output_of(request.tree, file, request.tree.format);
    const Image photo = over_white(read_image(file.path).image);
    write_picture(path, finished(draw(photo, request), photo, request.pair));
    return path;
  });
}

int run(const DataGrayRequest& request) {
  const auto files = list_tree(request.tree.places, request.tree.out);
  return make_tree(files, request.tree, "graying", "made gray", [&](const TreePicture& file, std::size_t) {
    const fs::path path = output_of(request.tree, file, request.tree.format);
    const Image photo = over_white(read_image(file.path).image);
    if (request.pair && photo.channels() == 1)
      log(LogLevel::warning, "{}: is gray already; its pair teaches no colours", file.path.string());
    write_picture(path, finished(to_gray(photo), photo, request.pair));
    return path;
  });
}

}  // namespace ganvas::cli
