#include <optional>

#include "commands/picture_tree.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/data/degradation.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/imaging/side_by_side.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

static_assert(DataDegradeRequest{}.seed == validation_seed);

struct Plan {
  Degradation degradation;
  int scale;
};

Plan read_plan(const DataDegradeRequest& request) {
  Recipe recipe;
  if (!request.recipe.empty()) recipe = Recipe::load(find_recipe(request.recipe));
  else recipe.set("degrade.kind=real-esrgan");
  for (const auto& assignment : request.sets) recipe.set(assignment);
  const auto degradation = read_degradation(recipe);
  if (!degradation)
    fail(ErrorKind::recipe, "{}: degrade.kind is none; say which, as in --set degrade.kind=real-esrgan", recipe.name());
  recipe.check_all_read("degrade.");
  const int scale = request.scale > 0 ? request.scale : static_cast<int>(recipe.integer("generator.scale", 4, 1, 16));
  return {*degradation, scale};
}

/// Bicubic enlargement and original, without the rest on the right and below that doesn't fit.
Image compared(const Image& lr, const Image& hr, int scale) {
  const Image large = resize(lr, lr.width() * scale, lr.height() * scale);
  return side_by_side(large, Image(hr.pixels(cv::Rect({}, large.pixels.size()))));
}

fs::path degrade_one(const TreePicture& file, std::size_t index, const Plan& plan, const DataDegradeRequest& request) {
  const fs::path path = output_of(request.tree, file, "png");
  const Image hr = to_rgb(colour_part(to_depth(read_image(file.path).image, Depth::u8)));
  const Image lr = plan.degradation.apply(hr, plan.scale, request.seed, index);
  if (request.compare) {
    // Beside the output folder, which thus stays one of low-resolution pictures alone.
    TreeRequest strips = request.tree;
    strips.out = (fs::path(request.tree.out) / "").parent_path().string() + "-compare";
    write_picture(output_of(strips, file, "png"), compared(lr, hr, plan.scale));
  }
  write_picture(path, lr);
  return path;
}

}  // namespace

int run(const DataDegradeRequest& request) {
  const Plan plan = read_plan(request);
  const auto files = list_tree(request.tree.places, request.tree.out);
  return make_tree(files, request.tree, "degrading", "degraded",
                   [&](const TreePicture& file, std::size_t index) { return degrade_one(file, index, plan, request); });
}

}  // namespace ganvas::cli
