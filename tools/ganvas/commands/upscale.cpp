#include <iostream>
#include <opencv2/core/utility.hpp>

#include "commands/batch_options.hpp"
#include "commands/model_name.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/infer/upscaler.hpp"

namespace ganvas::cli {

namespace {

TargetSize target_of(const UpscaleRequest& request) {
  TargetSize target;
  if (request.scale > 0) target.scale = request.scale;
  if (request.width > 0) target.width = request.width;
  if (request.height > 0) target.height = request.height;
  if (request.max_side > 0) target.max_side = request.max_side;
  target.resolve(100, 100, 1);  // impossible wishes show before any work
  return target;
}

UpscaleOptions upscale_options(const UpscaleRequest& request) {
  UpscaleOptions options;
  options.device = request.device;
  options.precision = request.precision;
  options.engine = request.engine;
  options.threads = request.threads;
  options.tile = request.tile;
  options.overlap = request.overlap;
  options.tta = request.tta;
  options.alpha = request.alpha == "bicubic" ? AlphaMode::bicubic : AlphaMode::model;
  if (request.color_fix == "mean") options.color_fix = ColorFix::mean;
  if (request.color_fix == "wavelet") options.color_fix = ColorFix::wavelet;
  return options;
}

}  // namespace

int run(const UpscaleRequest& request) {
  BatchOptions batch = batch_options(request.batch);
  const TargetSize target = target_of(request);
  if (request.threads > 0) cv::setNumThreads(request.threads);
  const std::filesystem::path model = request.model;
  Upscaler upscaler(load_generator(model), upscale_options(request));
  const int network_scale = upscaler.info().scale;
  log(LogLevel::debug, "{}: x{}, {}", model.string(), network_scale, upscaler.precision());

  batch.name_fields["model"] = model_name(model);
  batch.name_fields["scale"] = fmt::format("{}", request.scale > 0 ? request.scale : network_scale);
  BatchWork work;
  work.verb = "upscale";
  work.facts = {{"model", batch.name_fields["model"]}, {"scale", batch.name_fields["scale"]}};
  work.output_size = [&](int width, int height) { return target.resolve(width, height, network_scale); };
  work.process = [&](const Image& image, cv::Size size, const std::function<void(double)>& progress) {
    return upscaler.upscale(image, size, progress);
  };
  return run_batch(batch, work, std::cout).exit_code();
}

}  // namespace ganvas::cli
