#include <iostream>
#include <opencv2/core/utility.hpp>

#include "commands/batch_options.hpp"
#include "commands/model_name.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/translator.hpp"

namespace ganvas::cli {

int run(const TranslateRequest& request) {
  BatchOptions batch = batch_options(request.batch);
  if (request.threads > 0) cv::setNumThreads(request.threads);
  TranslateOptions options;
  options.device = request.device;
  options.precision = request.precision;
  options.engine = request.engine;
  options.threads = request.threads;
  options.tile = request.tile;
  options.train_mode = request.mode == "train";
  options.seed = request.seed;
  Translator translator(load_generator(request.model), options);

  batch.name_fields["model"] = model_name(request.model);
  batch.name_fields["scale"] = "1";
  BatchWork work;
  work.verb = "translate";
  work.facts = {{"model", model_name(request.model)}, {"mode", request.mode}};
  if (options.train_mode) work.facts["seed"] = fmt::format("{}", request.seed);
  work.output_size = [](int width, int height) { return cv::Size(width, height); };
  work.process = [&](const Image& image, cv::Size, const std::function<void(double)>& progress) {
    return translator.translate(image, progress);
  };
  return run_batch(batch, work, std::cout).exit_code();
}

}  // namespace ganvas::cli
