#include <cmath>
#include <iostream>
#include <opencv2/core/utility.hpp>

#include "batch_options.hpp"
#include "commands.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/infer/upscaler.hpp"

namespace ganvas::cli {

namespace {

struct Options {
  std::shared_ptr<BatchArguments> batch;
  std::string model, alpha = "model", color_fix = "none", tile = "auto";
  double scale = 0;
  int width = 0, height = 0, max_side = 0;
  UpscaleOptions upscale;
};

TargetSize target_of(const Options& options) {
  TargetSize target;
  if (!std::isfinite(options.scale)) fail(ErrorKind::usage, "--scale: not a number");
  if (options.scale > 0) target.scale = options.scale;
  if (options.width > 0) target.width = options.width;
  if (options.height > 0) target.height = options.height;
  if (options.max_side > 0) target.max_side = options.max_side;
  target.resolve(100, 100, 1);  // contradictions show before any work
  return target;
}

std::string model_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  return stem == "model" ? path.parent_path().filename().string() : stem;
}

UpscaleOptions upscale_options(const Options& options) {
  UpscaleOptions result = options.upscale;
  result.alpha = options.alpha == "bicubic" ? AlphaMode::bicubic : AlphaMode::model;
  if (options.color_fix == "mean") result.color_fix = ColorFix::mean;
  if (options.color_fix == "wavelet") result.color_fix = ColorFix::wavelet;
  if (options.tile != "auto") {
    std::size_t used = 0;
    try {
      result.tile = std::stoi(options.tile, &used);
    } catch (const std::exception&) {
    }
    if (used != options.tile.size() || result.tile < 16 || result.tile > 65536)
      fail(ErrorKind::usage, "--tile {}: expected auto or 16 .. 65536", options.tile);
  }
  return result;
}

int run(const Options& options) {
  BatchOptions batch = finish_batch_options(*options.batch);
  const TargetSize target = target_of(options);
  if (options.upscale.threads > 0) cv::setNumThreads(options.upscale.threads);
  const std::string fitting = options.scale > 0 && options.scale <= 2 ? "photo-x2" : "photo-x4";
  const std::filesystem::path model = find_model(options.model.empty() ? fitting : options.model);
  Upscaler upscaler(load_generator(model), upscale_options(options));
  const int network_scale = upscaler.info().scale;
  log(LogLevel::debug, "{}: x{}, {}", model.string(), network_scale, upscaler.runs_bf16() ? "bf16" : "fp32");

  batch.name_fields["model"] = model_name(model);
  batch.name_fields["scale"] = fmt::format("{}", options.scale > 0 ? options.scale : network_scale);
  BatchWork work;
  work.verb = "upscale";
  work.output_size = [&](int width, int height) { return target.resolve(width, height, network_scale); };
  work.process = [&](const Image& image, cv::Size size, const std::function<void(double)>& progress) {
    return upscaler.upscale(image, size, progress);
  };
  return run_batch(batch, work, std::cout).exit_code();
}

}  // namespace

void add_upscale(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("upscale", "Enlarge pictures");
  options->batch = add_batch_options(*command);
  command->add_option("-m,--model", options->model,
                      "Name of a shipped model, or a file (default: photo-x2 for --scale up to 2, else photo-x4)");
  command->add_option("-s,--scale", options->scale, "Any positive number (default: the model's)")
      ->check(CLI::Range(1e-4, 1e4));
  command->add_option("--width", options->width, "Exact width; alone it keeps the aspect ratio")
      ->check(CLI::PositiveNumber);
  command->add_option("--height", options->height, "Exact height; alone it keeps the aspect ratio")
      ->check(CLI::PositiveNumber);
  command->add_option("--max-side", options->max_side, "Exact longer side")->check(CLI::PositiveNumber);
  command->add_option("--tile", options->tile, "Side of a tile in input pixels, or auto")->capture_default_str();
  command
      ->add_option("--overlap", options->upscale.overlap,
                   "Context around a tile (default: the receptive field, at most 32)")
      ->check(CLI::Range(0, 4096));
  command->add_flag("--tta", options->upscale.tta, "Mean over 8 flips and turns: 8 times the work, a little better");
  command->add_option("--precision", options->upscale.precision, "auto, fp32 or bf16")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}));
  command->add_option("--device", options->upscale.device, "auto, cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", options->upscale.threads, "CPU threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--alpha", options->alpha, "How transparency is enlarged: model or bicubic")
      ->capture_default_str()
      ->check(CLI::IsMember({"model", "bicubic"}));
  command->add_option("--color-fix", options->color_fix, "Against colour shifts of a model: none, mean or wavelet")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "mean", "wavelet"}));
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace ganvas::cli
