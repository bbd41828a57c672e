#include <cmath>
#include <memory>

#include "cli/batch_options.hpp"
#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/machine_options.hpp"
#include "cli/tile_side.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

struct Arguments {
  std::shared_ptr<BatchArguments> batch;
  UpscaleRequest request;
  std::string tile = "auto";
};

UpscaleRequest finished(const Arguments& arguments) {
  UpscaleRequest request = arguments.request;
  request.batch = finish_batch_options(*arguments.batch);
  if (!std::isfinite(request.scale)) fail(ErrorKind::usage, "--scale: not a number");
  if ((request.scale > 0) + (request.width > 0 || request.height > 0) + (request.max_side > 0) > 1)
    fail(ErrorKind::usage, "--scale, --width/--height and --max-side exclude one another");
  request.tile = tile_side(arguments.tile);
  if (request.model.empty()) request.model = request.scale > 0 && request.scale <= 2 ? "photo-x2" : "photo-x4";
  request.model = find_model(request.model).string();
  return request;
}

}  // namespace

void add_upscale(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  UpscaleRequest& request = arguments->request;
  CLI::App* command =
      app.add_subcommand("upscale", "Enlarge pictures; or restore them at their size, with a model of scale 1");
  arguments->batch = add_batch_options(*command);
  command->add_option("-m,--model", request.model,
                      "Name of a shipped model, or a file (default: photo-x2 for --scale up to 2, else photo-x4)");
  command->add_option("-s,--scale", request.scale, "Any positive number (default: the model's)")
      ->check(CLI::Range(1e-4, 1e4));
  command->add_option("--width", request.width, "Exact width; alone it keeps the aspect ratio")
      ->check(CLI::PositiveNumber);
  command->add_option("--height", request.height, "Exact height; alone it keeps the aspect ratio")
      ->check(CLI::PositiveNumber);
  command->add_option("--max-side", request.max_side, "Exact longer side")->check(CLI::PositiveNumber);
  command->add_option("--tile", arguments->tile, "Side of a tile in input pixels, or auto")->capture_default_str();
  command
      ->add_option("--overlap", request.overlap,
                   "Context around a tile (default: the receptive field, at most 32; two of its windows, at most 64)")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--tta", request.tta, "Mean over 8 flips and turns: 8 times the work, a little better");
  add_machine_options(*command, request);
  command->add_option("--alpha", request.alpha, "How transparency is enlarged: model or bicubic")
      ->capture_default_str()
      ->check(CLI::IsMember({"model", "bicubic"}));
  command->add_option("--color-fix", request.color_fix, "Against colour shifts of a model: none, mean or wavelet")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "mean", "wavelet"}));
  command->callback([arguments, &action] { action = [arguments] { return run_in_library(finished(*arguments)); }; });
}

}  // namespace ganvas::cli
