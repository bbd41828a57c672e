#include <iostream>
#include <opencv2/core/utility.hpp>

#include "commands/explain.hpp"
#include "commands/model_name.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/translator.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

int run(const TranslateRequest& request) {
  const TranslateOptions& options = request.options;
  if (options.run.threads > 0) cv::setNumThreads(options.run.threads);
  Translator translator(load_generator(request.model, {request.trust}), options);

  BatchOptions batch = request.batch;
  batch.quiet = log_level() > LogLevel::info;
  batch.name_fields["model"] = model_name(request.model);
  batch.name_fields["scale"] = "1";
  BatchWork work;
  work.verb = "translate";
  work.facts = {{"model", model_name(request.model)}, {"mode", options.train_mode ? "train" : "eval"}};
  if (options.train_mode) work.facts["seed"] = fmt::format("{}", options.seed);
  if (!options.palette.empty()) work.facts["palette"] = options.palette;
  work.output_size = [](int width, int height) { return cv::Size(width, height); };
  work.process = [&](const DecodedImage& picture, cv::Size, const std::function<void(double)>& progress) {
    return translator.translate(picture.image, progress);
  };
  work.explain = explain;
  return run_batch(batch, work, std::cout).exit_code();
}

}  // namespace ganvas::cli
