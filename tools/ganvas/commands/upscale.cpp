#include <iostream>
#include <opencv2/core/utility.hpp>

#include "commands/explain.hpp"
#include "commands/model_name.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/upscaler.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

int run(const UpscaleRequest& request) {
  resolve(request.target, 100, 100, 1);  // impossible wishes show before any work
  if (request.options.run.threads > 0) cv::setNumThreads(request.options.run.threads);
  const std::filesystem::path model = request.model;
  Upscaler upscaler(load_generator(model, {request.trust}), request.options);
  const int network_scale = upscaler.info().scale;
  log(LogLevel::debug, "{}: x{}, {}", model.string(), network_scale, upscaler.precision());

  BatchOptions batch = request.batch;
  batch.quiet = log_level() > LogLevel::info;
  batch.name_fields["model"] = model_name(model);
  batch.name_fields["scale"] = fmt::format("{}", request.target.scale.value_or(network_scale));
  BatchWork work;
  work.verb = "upscale";
  work.facts = {{"model", batch.name_fields["model"]}, {"scale", batch.name_fields["scale"]}};
  work.output_size = [&](int width, int height) { return resolve(request.target, width, height, network_scale); };
  work.process = [&](const Image& image, cv::Size size, const std::function<void(double)>& progress) {
    return upscaler.upscale(image, size, progress);
  };
  work.explain = explain;
  return run_batch(batch, work, std::cout).exit_code();
}

}  // namespace ganvas::cli
