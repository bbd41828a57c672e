#include "ganvas/infer/upscaler.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <opencv2/core.hpp>
#include <utility>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/imaging/alpha.hpp"
#include "ganvas/imaging/colour.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/imaging/tiling.hpp"
#include "ganvas/nn/failure.hpp"
#include "infer/memory_check.hpp"
#include "infer/region_pass.hpp"
#include "infer/tile_runner.hpp"

namespace ganvas {

namespace {

constexpr int max_auto_overlap = 32;  // beyond it a pixel's influence is far below one level
constexpr int smallest_tile = 32;
/// Another pass of the network pays when a plain resize would have to enlarge by more than this.
constexpr double resize_only_below = 1.25;

using Report = std::function<void(double)>;

Image resized(const Image& image, cv::Size size) {
  if (image.width() == size.width && image.height() == size.height) return image;
  return resize(image, size.width, size.height, Interpolation::bicubic);
}

Image constant_plane(cv::Size size, Depth depth, double value) {
  Image plane(size.width, size.height, 1, depth);
  plane.pixels.setTo(cv::Scalar(value));
  return plane;
}

void require_memory_for(cv::Size size, const Image& like) {
  require_memory(size, static_cast<double>(size.width) * size.height * static_cast<double>(like.pixels.elemSize()));
}

int passes_for(cv::Size from, cv::Size to, int scale) {
  if (scale == 1) return 1;
  const double wanted =
      std::max(static_cast<double>(to.width) / from.width, static_cast<double>(to.height) / from.height);
  if (wanted < 1) return 0;
  int passes = 1;
  for (double reached = scale; wanted / reached > resize_only_below; reached *= scale) ++passes;
  return passes;
}

}  // namespace

cv::Size resolve(const TargetSize& target, int from_width, int from_height, int network_scale) {
  const auto& [scale, width, height, max_side] = target;
  const int wishes = scale.has_value() + (width || height) + max_side.has_value();
  if (wishes > 1) fail(ErrorKind::usage, "a scale, a width or height, and a longest side exclude one another");
  double across = network_scale, down = network_scale;
  if (scale) across = down = *scale;
  if (width) across = down = static_cast<double>(*width) / from_width;
  if (height) down = static_cast<double>(*height) / from_height;
  if (height && !width) across = down;
  if (max_side) across = down = static_cast<double>(*max_side) / std::max(from_width, from_height);
  if (!(across > 0 && down > 0)) fail(ErrorKind::usage, "a size or scale must be positive");
  const double new_width = std::max(1.0, std::round(from_width * across));
  const double new_height = std::max(1.0, std::round(from_height * down));
  // 2^31 pixels across is what the picture type can address.
  if (new_width > 1e6 || new_height > 1e6)
    fail(ErrorKind::usage, "{:.0f}x{:.0f} is larger than any format can hold", new_width, new_height);
  return {static_cast<int>(new_width), static_cast<int>(new_height)};
}

struct Upscaler::State {
  State(LoadedGenerator model, const UpscaleOptions& given)
      : network(model.network),
        runner(std::move(model.network), given.run, given.tta, model.file.text(int8_metadata)),
        options(given) {}

  Image pass(const Image& image, const Report& report);
  Image enlarge_colour(const Image& colour, cv::Size size, ColourFix fix, const Report& report);
  Image enlarge_once(const Image& image, const Report& report);
  Image enlarge_planes(const Image& image, const Report& report);
  RegionRunner* regions_for(const Image& image);
  RegionOptions region_options() const;

  GeneratorPtr network;
  TileRunner runner;
  UpscaleOptions options;
  std::unique_ptr<RegionRunner> regions;  ///< of a network that looks at means over the whole picture
  bool tried_regions = false;
  bool warned_global = false;
  int tile_limit = 0;  ///< learnt when memory ran out; 0: none
};

RegionOptions Upscaler::State::region_options() const {
  RegionOptions settings;
  settings.tile = options.tile;
  settings.bf16 = runner.precision() == "bf16";
  if (!settings.bf16) settings.kept = KeptPrecision::fp32;
  return settings;
}

/// What gives tiles the statistics of the whole picture, if the network wants no more of it than these, and what is
/// computed several times for them is bounded, unless somebody chose the tiles. Null otherwise.
RegionRunner* Upscaler::State::regions_for(const Image& image) {
  constexpr double most_work = 1.5;  // of the network's own
  if (!runner.info().global || !runner.compiled() || options.tta) return nullptr;
  if (!std::exchange(tried_regions, true)) {
    std::string why;
    regions = RegionRunner::compile(*network, why);
    if (regions && !regions->local()) regions.reset();
  }
  if (!regions || options.tile > 0) return regions.get();
  try {
    const RegionStatistics costs = regions->estimate(image.height(), image.width(), region_options());
    return costs.multiply_adds <= most_work * costs.plain_multiply_adds ? regions.get() : nullptr;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

/// One run of the network over a picture with the channels that it takes.
Image Upscaler::State::pass(const Image& image, const Report& report) {
  const GeneratorInfo& info = runner.info();
  TileOptions tiling;
  // Windows as large as the usual overlap would meet their neighbours' border in every tile.
  const int most = std::max(max_auto_overlap, std::min(2 * info.multiple, 64));
  const int needed = info.global && info.halo == 0 ? max_auto_overlap : std::min(info.halo, most);
  // Context wider than the picture is its border's reflections alone.
  tiling.overlap = options.overlap >= 0 ? std::min(options.overlap, std::max(image.width(), image.height())) : needed;
  tiling.feather = std::min(8, tiling.overlap);
  tiling.align = info.multiple;
  // Networks are trained on crops that they pad with zeros, and know a picture's border by it: reflected context there
  // costs 0.04 dB on Set5. Pictures smaller than the context are another matter: nearly all of them is border.
  const bool tiny = std::min(image.width(), image.height()) < 2 * tiling.overlap;
  tiling.edge = tiny ? tiling.overlap : 0;
  tiling.tile = options.tile > 0 ? options.tile : runner.best_tile();
  if (tile_limit > 0) tiling.tile = std::min(tiling.tile, tile_limit);
  const int learnt = tile_limit;
  for (;;) {
    try {
      TilePlan plan = plan_tiles(image.width(), image.height(), tiling);
      if (info.global && plan.tiles.size() == 1) {
        // What runs as a whole such a network fills up by itself, as it was trained; means take part in it.
        TileOptions whole = tiling;
        whole.tile = std::max({tiling.tile, image.width(), image.height()});
        whole.align = 1;
        plan = plan_tiles(image.width(), image.height(), whole);
      }
      if (plan.tiles.size() > 1)
        if (RegionRunner* exact = regions_for(image))
          return run_in_regions(*exact, info, image, region_options(), report);
      if (info.global && plan.tiles.size() > 1 && !std::exchange(warned_global, true))
        log(LogLevel::warning, "this network looks at the whole picture; in tiles its result is only approximate");
      return run_tiled(
          image, plan, info.scale, image.depth(), [&](const cv::Mat& tile) { return runner.run(tile); },
          [&](int done, int total) {
            throw_if_interrupted();
            if (report) report(static_cast<double>(done) / total);
          });
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      const int longest = std::min(tiling.tile, std::max(image.width(), image.height()));
      if (longest / 2 < smallest_tile) {
        tile_limit = learnt;  // this picture is too large; the next may not be
        fail(ErrorKind::memory,
             "out of memory even with tiles of {} pixels; close other programs or use a machine with more memory",
             longest);
      }
      tiling.tile = tile_limit = longest / 2;
      log(LogLevel::warning, "out of memory; going on with tiles of {} pixels", tile_limit);
    }
  }
}

Image Upscaler::State::enlarge_colour(const Image& colour, cv::Size size, ColourFix fix, const Report& report) {
  const GeneratorInfo& info = runner.info();
  const int passes = passes_for({colour.width(), colour.height()}, size, info.scale);
  require_memory_for(size, colour);
  Image current = colour;
  for (int i = 0; i < passes; ++i) {
    // What the passes still to come will enlarge need not be larger than that: a last pass for x6 starts at x1.5, not
    // at x4.
    const double factor = std::pow(info.scale, passes - i);
    const cv::Size enough(static_cast<int>(std::ceil(size.width / factor)),
                          static_cast<int>(std::ceil(size.height / factor)));
    if (i > 0 && (enough.width < current.width() || enough.height < current.height()))
      current = resized(current, {std::min(enough.width, current.width()), std::min(enough.height, current.height())});
    require_memory_for({current.width() * info.scale, current.height() * info.scale}, current);
    const Report part = [&](double f) {
      if (report) report((i + f) / passes);
    };
    current = enlarge_once(current, part);
  }
  Image result = resized(current, size);
  if (fix == ColourFix::none || passes == 0) return result;
  if (result.channels() > 4) return fix_colour(result, resized(colour, size), fix);  // bands, each by itself
  const Image before = colour_part(resized(colour, size));
  const Image fixed =
      fix_colour(colour_part(result), colour_part(result).channels() == 3 ? to_rgb(before) : before, fix);
  return result.has_alpha() ? with_alpha(fixed, alpha_part(result)) : fixed;
}

/// The network on a picture of any channels. What comes back has as many, but of a network that makes colour of gray.
Image Upscaler::State::enlarge_once(const Image& image, const Report& report) {
  const GeneratorInfo& info = runner.info();
  const int channels = image.channels();
  if (info.in_channels == 1 && info.out_channels == 3) return pass(to_gray(colour_part(image)), report);
  if (info.in_channels == 1 || channels > 4 || (channels == 1 && info.in_channels == 3))
    return enlarge_planes(image, report);
  if (channels == info.in_channels) return pass(image, report);
  // A network of colours with alpha, which these pictures don't have.
  const Image opaque = with_alpha(
      to_rgb(image), constant_plane({image.width(), image.height()}, image.depth(), max_value(image.depth())));
  const Image result = colour_part(pass(opaque, report));
  return channels == 1 ? to_gray(result) : result;
}

/// Each plane by itself: gray and bands through a colour network (as three equal channels), colour through a gray one.
Image Upscaler::State::enlarge_planes(const Image& image, const Report& report) {
  const int in = runner.info().in_channels;
  std::vector<cv::Mat> planes, results;
  cv::split(image.pixels, planes);
  for (std::size_t i = 0; i < planes.size(); ++i) {
    const Report part = [&](double f) {
      if (report) report((static_cast<double>(i) + f) / static_cast<double>(planes.size()));
    };
    const Image plane(planes[i]);
    const Image result = in == 3   ? to_gray(pass(to_rgb(plane), part))
                         : in == 1 ? pass(plane, part)
                                   : enlarge_once(plane, part);
    results.push_back(result.pixels);
  }
  cv::Mat merged;
  cv::merge(results, merged);
  return Image(merged);
}

Upscaler::Upscaler(LoadedGenerator model, const UpscaleOptions& options) {
  const GeneratorInfo info = model.network->info();
  const std::pair channels{info.in_channels, info.out_channels};
  if (channels != std::pair{3, 3} && channels != std::pair{1, 1} && channels != std::pair{4, 4} &&
      channels != std::pair{1, 3})
    fail(ErrorKind::model,
         "the network takes {} and gives {} channels; upscaling needs 3 and 3, 1 and 1, 4 and 4 or 1 and 3",
         info.in_channels, info.out_channels);
  state_ = std::make_unique<State>(std::move(model), options);
}

Upscaler::~Upscaler() = default;

const GeneratorInfo& Upscaler::info() const { return state_->runner.info(); }

std::string Upscaler::precision() const { return state_->runner.precision(); }

cv::Mat Upscaler::run_tile(const cv::Mat& tile) { return state_->runner.run(tile); }

Image Upscaler::upscale(const Image& image, cv::Size size, const Report& report) {
  State& state = *state_;
  const ColourFix fix = state.options.colour_fix;
  if (!image.has_alpha()) return state.enlarge_colour(image, size, fix, report);
  if (info().in_channels == 4 && state.options.alpha == AlphaMode::model) {
    const bool gray = image.channels() == 2;
    const Image rgba = gray ? with_alpha(to_rgb(colour_part(image)), alpha_part(image)) : image;
    const Image large = state.enlarge_colour(rgba, size, fix, report);
    return gray ? with_alpha(to_gray(colour_part(large)), alpha_part(large)) : large;
  }

  const auto constant = constant_alpha(image);
  const bool opaque = constant && *constant == max_value(image.depth());
  const Image colour = opaque ? colour_part(image) : bleed_colour(image);
  const bool by_model = !constant && state.options.alpha == AlphaMode::model;
  const double colour_share = by_model ? 0.5 : 1.0;
  const auto part = [&](double begin, double share) -> Report {
    return [&report, begin, share](double f) {
      if (report) report(begin + share * f);
    };
  };
  const Image large = state.enlarge_colour(colour, size, fix, part(0, colour_share));
  Image alpha;
  if (constant) {
    alpha = constant_plane(size, image.depth(), *constant);
  } else if (by_model) {
    alpha =
        to_gray(state.enlarge_colour(alpha_part(image), size, ColourFix::none, part(colour_share, 1 - colour_share)));
  } else {
    alpha = resized(alpha_part(image), size);
  }
  return with_alpha(large, alpha);
}

}  // namespace ganvas
