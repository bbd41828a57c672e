#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>

#include "commands.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/data/degradation.hpp"
#include "ganvas/data/pair_source.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/resize.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

struct Options {
  std::vector<std::string> places, sets;
  std::string out, recipe;
  int scale = 0;  ///< 0: the recipe's
  std::uint64_t seed = validation_seed;
  std::size_t limit = SIZE_MAX;
  bool compare = false, force = false;
};

struct Plan {
  Degradation degradation;
  int scale;
};

Plan read_plan(const Options& options) {
  Recipe recipe;
  if (!options.recipe.empty()) recipe = Recipe::load(find_recipe(options.recipe));
  else recipe.set("degrade.kind=real-esrgan");
  for (const auto& assignment : options.sets) recipe.set(assignment);
  const auto degradation = read_degradation(recipe);
  if (!degradation)
    fail(ErrorKind::recipe, "{}: degrade.kind is none; say which, as in --set degrade.kind=real-esrgan", recipe.name());
  recipe.check_all_read("degrade.");
  const int scale = options.scale > 0 ? options.scale : static_cast<int>(recipe.integer("generator.scale", 4, 1, 16));
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

void degrade_one(const Item& item, std::uint64_t index, const Plan& plan, const Options& options) {
  const Image hr = to_rgb(color_part(to_depth(read_image(item.in).image, Depth::u8)));
  const Image lr = plan.degradation.apply(hr, plan.scale, options.seed, index);
  const fs::path path = fs::path(options.out) / item.name;
  if (options.compare) {
    // Beside the output folder, which thus stays one of low-resolution pictures alone.
    fs::path strips = (fs::path(options.out) / "").parent_path();
    strips += "-compare";
    write(strips / item.name, side_by_side(lr, hr, plan.scale), options.force);
  }
  write(path, lr, options.force);
  fmt::print("{}\n", path.string());
}

int run(const Options& options) {
  const Plan plan = read_plan(options);
  std::vector<Item> items = list_items(options.places);
  if (items.empty()) fail(ErrorKind::data, "{}: no pictures found", fmt::join(options.places, ", "));
  items.resize(std::min(items.size(), options.limit));
  std::set<fs::path> taken;
  std::size_t failed = 0;
  Progress progress("degrading", static_cast<double>(items.size()));
  for (std::size_t i = 0; i < items.size(); ++i) {
    throw_if_interrupted();
    try {
      if (!taken.insert(items[i].name).second)
        fail(ErrorKind::file, "another picture is called {} too", items[i].name.string());
      progress.clear();
      degrade_one(items[i], i, plan, options);
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

}  // namespace

void add_data_degrade(CLI::App& data, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = data.add_subcommand("degrade", "Make bad small pictures from good ones, as training does");
  command->add_option("places", options->places, "Folders (searched recursively) or files")->required();
  command->add_option("-o,--out", options->out, "Folder of the degraded pictures (PNG)")->required();
  command->add_option("--recipe", options->recipe, "Recipe whose [degrade] tables say how (default: Real-ESRGAN's)");
  command->add_option("--set", options->sets, "Override a recipe's key: degrade.key=value")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--scale", options->scale, "How much smaller (default: the recipe's, or 4)")
      ->check(CLI::Range(1, 16));
  command->add_option("--seed", options->seed, "The same seed gives the same pictures; 1 as in validation")
      ->capture_default_str();
  command->add_option("--limit", options->limit, "Only the first N pictures")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_flag("--compare", options->compare,
                    "Also write each enlarged, beside its original, to the folder OUT-compare");
  command->add_flag("--force", options->force, "Replace existing files");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace ganvas::cli
