#include <iostream>
#include <opencv2/core/utility.hpp>
#include <optional>

#include "commands/explain.hpp"
#include "commands/model_name.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/condition.hpp"
#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/upscaler.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

namespace {

/// A model that is loaded when the first picture wants it.
class LazyUpscaler {
 public:
  LazyUpscaler(std::filesystem::path model, const UpscaleRequest& request)
      : model_(std::move(model)), request_(request) {}
  std::string name() const { return model_name(model_); }
  Upscaler& loaded() {
    if (!upscaler_) {
      upscaler_.emplace(load_generator(model_, {request_.trust}), request_.options);
      log(LogLevel::debug, "{}: x{}, {}", model_.string(), upscaler_->info().scale, upscaler_->precision());
    }
    return *upscaler_;
  }

 private:
  std::filesystem::path model_;
  const UpscaleRequest& request_;
  std::optional<Upscaler> upscaler_{};
};

}  // namespace

int run(const UpscaleRequest& request) {
  resolve(request.target, 100, 100, 1);  // impossible wishes show before any work
  if (request.options.run.threads > 0) cv::setNumThreads(request.options.run.threads);
  LazyUpscaler first(request.model, request);
  std::optional<LazyUpscaler> for_degraded;
  if (!request.degraded_model.empty()) for_degraded.emplace(request.degraded_model, request);
  const int network_scale = first.loaded().info().scale;

  BatchOptions batch = request.batch;
  batch.quiet = log_level() > LogLevel::info;
  batch.name_fields["model"] = for_degraded ? "auto" : first.name();
  batch.name_fields["scale"] = fmt::format("{}", request.target.scale.value_or(network_scale));
  BatchWork work;
  work.verb = "upscale";
  work.facts = {{"scale", batch.name_fields["scale"]}};
  work.output_size = [&](int width, int height) { return resolve(request.target, width, height, network_scale); };
  work.process = [&](const DecodedImage& picture, cv::Size size, const std::function<void(double)>& progress) {
    std::string why;
    if (for_degraded) why = degradation_of(condition_of(picture.image, picture.jpeg_quality));
    LazyUpscaler& chosen = why.empty() ? first : *for_degraded;
    BatchResult result = chosen.loaded().upscale(picture.image, size, progress);
    result.facts["model"] = chosen.name();
    if (!why.empty()) result.facts["degraded"] = why;
    return result;
  };
  work.explain = explain;
  return run_batch(batch, work, std::cout).exit_code();
}

}  // namespace ganvas::cli
