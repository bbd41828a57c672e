// ganvas data labels: class numbers as colours, and back.
#include "commands/hints.hpp"
#include "commands/picture_tree.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/labels.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

LabelTable read_table(const DataLabelsRequest& request) {
  // Without a file all numbers have a colour, but only those asked for lie on the way back.
  if (request.palette.empty()) return LabelTable::voc(request.reverse ? request.classes : 65536);
  const Bytes text = read_file(request.palette, 1 << 24);
  return LabelTable::parse({reinterpret_cast<const char*>(text.data()), text.size()}, request.palette);
}

Image read_numbers(const fs::path& path) {
  const DecodedImage decoded = read_image(path, {.numbers = true});
  if (decoded.format == Format::jpeg)
    fail(ErrorKind::data, "{}: is a JPEG, which doesn't keep class numbers; take the original", path.string());
  if (decoded.image.channels() != 1 || decoded.image.depth() == Depth::f32)
    fail(ErrorKind::data, "{}: is in colour (or has alpha or fractions); class numbers are gray or palette PNGs",
         path.string());
  return decoded.image;
}

}  // namespace

int run(const DataLabelsRequest& request) {
  const LabelTable table = read_table(request);
  if (request.reverse) table.require_distinct();
  const auto files = list_tree(request.tree.places, request.tree.out);
  const std::string doing = request.reverse ? "numbering" : "colouring",
                    done = request.reverse ? "numbered" : "coloured";
  return make_tree(files, request.tree, doing, done, [&](const TreePicture& file, std::size_t) {
    const fs::path path = output_of(request.tree, file, "png");  // others blur numbers, or can't hold 16 bits
    write_picture(path, hinted({{"palette", "name it in --palette"},
                                {"tolerance", "raise --tolerance or name them in --palette"}},
                               [&] {
                                 if (!request.reverse) return colour_labels(read_numbers(file.path), table);
                                 return label_colours(read_image(file.path).image, table, request.tolerance);
                               }));
    return path;
  });
}

}  // namespace ganvas::cli
