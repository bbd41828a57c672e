#include <memory>

#include "cli/batch_options.hpp"
#include "cli/bind.hpp"
#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/run_options.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_target(const TargetSize& target) {
  if (target.scale.has_value() + (target.width || target.height) + target.max_side.has_value() > 1)
    fail(ErrorKind::usage, "--scale, --width/--height and --max-side exclude one another");
}

UpscaleRequest checked(UpscaleRequest request) {
  check_batch_options(request.batch);
  check_target(request.target);
  if (request.model == "auto") {
    request.model = request.target.scale.value_or(4) <= 2 ? "photo-x2" : "photo-x4";
    request.degraded_model = find_model(request.model + "-real").string();
  }
  request.model = find_model(request.model).string();
  return request;
}

void add_target(CLI::App& command, TargetSize& target) {
  command.add_option("-s,--scale", target.scale, "Any positive number (default: the model's)")
      ->check(CLI::Range(1e-4, 1e4));
  command.add_option("--width", target.width, "Exact width; alone it keeps the aspect ratio")
      ->check(CLI::Range(1, 1000000));
  command.add_option("--height", target.height, "Exact height; alone it keeps the aspect ratio")
      ->check(CLI::Range(1, 1000000));
  command.add_option("--max-side", target.max_side, "Exact longer side")->check(CLI::Range(1, 1000000));
}

}  // namespace

void add_upscale(CLI::App& app, Action& action) {
  auto request = std::make_shared<UpscaleRequest>();
  UpscaleOptions& options = request->options;
  CLI::App* command =
      app.add_subcommand("upscale", "Enlarge pictures; or restore them at their size, with a model of scale 1");
  add_batch_options(*command, request->batch);
  command->add_option("-m,--model", request->model,
                      "Name of a shipped model, or a file; auto: photo-x2 for --scale up to 2, else photo-x4, and "
                      "photo-x2-real or photo-x4-real for pictures with JPEG blocks or noise");
  add_trust(*command, request->trust);
  add_target(*command, request->target);
  add_tile(*command, options.tile, "Side of a tile in input pixels, or auto");
  command
      ->add_option("--overlap", options.overlap,
                   "Context around a tile (default: the receptive field, at most 32; two of its windows, at most 64)")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--tta", options.tta, "Mean over 8 flips and turns: 8 times the work, a little better");
  add_run_options(*command, options.run);
  add_choice(*command, "--alpha", options.alpha, "How transparency is enlarged: model or bicubic",
             {{"model", AlphaMode::model}, {"bicubic", AlphaMode::bicubic}});
  add_choice(*command, "--colour-fix,--color-fix", options.colour_fix,
             "Against colour shifts of a model: none, mean or wavelet",
             {{"none", ColourFix::none}, {"mean", ColourFix::mean}, {"wavelet", ColourFix::wavelet}});
  command->callback([request, &action] { action = [request] { return run_in_library(checked(*request)); }; });
}

}  // namespace ganvas::cli
