#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/data/degradation.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/resize.hpp"
#include "library/run.hpp"

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

struct Item {
  fs::path in;
  fs::path name;  ///< below the output folder
};

/// The trees of the places, mirrored; all pictures become PNGs.
std::vector<Item> list_items(const std::vector<std::string>& places) {
  std::vector<Item> items;
  for (const fs::path place : places)
    for (const auto& file : list_pictures({place})) {
      fs::path name = fs::is_directory(place) ? fs::relative(file, place) : file.filename();
      items.push_back({file, name.replace_extension(".png")});
    }
  return items;
}

void write(const fs::path& path, const Image& image, bool force) {
  if (!force && fs::exists(path)) fail(ErrorKind::file, "{} exists already; --force replaces it", path.string());
  fs::create_directories(path.parent_path());
  write_image(path, image);
}

/// Bicubic enlargement and original side by side.
Image side_by_side(const Image& lr, const Image& hr, int scale) {
  const Image large = resize(lr, lr.width() * scale, lr.height() * scale);
  Image strip(2 * large.width(), large.height(), 3, Depth::u8);
  large.pixels.copyTo(strip.pixels.colRange(0, large.width()));
  hr.pixels(cv::Rect({}, large.pixels.size())).copyTo(strip.pixels.colRange(large.width(), strip.width()));
  return strip;
}

void degrade_one(const Item& item, std::uint64_t index, const Plan& plan, const DataDegradeRequest& request) {
  const Image hr = to_rgb(color_part(to_depth(read_image(item.in).image, Depth::u8)));
  const Image lr = plan.degradation.apply(hr, plan.scale, request.seed, index);
  const fs::path path = fs::path(request.out) / item.name;
  if (request.compare) {
    // Beside the output folder, which thus stays one of low-resolution pictures alone.
    fs::path strips = (fs::path(request.out) / "").parent_path();
    strips += "-compare";
    write(strips / item.name, side_by_side(lr, hr, plan.scale), request.force);
  }
  write(path, lr, request.force);
  fmt::print("{}\n", path.string());
}

}  // namespace

int run(const DataDegradeRequest& request) {
  const Plan plan = read_plan(request);
  std::vector<Item> items = list_items(request.places);
  if (items.empty()) fail(ErrorKind::data, "{}: no pictures found", fmt::join(request.places, ", "));
  items.resize(std::min(items.size(), request.limit));
  std::set<fs::path> taken;
  std::size_t failed = 0;
  Progress progress("degrading", static_cast<double>(items.size()));
  for (std::size_t i = 0; i < items.size(); ++i) {
    throw_if_interrupted();
    try {
      if (!taken.insert(items[i].name).second)
        fail(ErrorKind::file, "another picture is called {} too", items[i].name.string());
      progress.clear();
      degrade_one(items[i], i, plan, request);
    } catch (const std::exception& error) {
      const auto* ours = dynamic_cast<const Error*>(&error);
      if (ours && ours->kind() == ErrorKind::interrupted) throw;
      const std::string what = error.what(), path = items[i].in.string();
      log(LogLevel::error, "{}", what.starts_with(path) ? what : path + ": " + what);
      ++failed;
    }
    std::fflush(stdout);
    progress.update(static_cast<double>(i + 1));
  }
  progress.finish();
  log(LogLevel::info, "{} pictures degraded, {} failed", items.size() - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace ganvas::cli
