#include <iostream>

#include "commands/explain.hpp"
#include "commands/model_name.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/infer/generate.hpp"
#include "ganvas/nn/threads.hpp"

namespace ganvas::cli {

int run(const GenerateRequest& request) {
  GenerateOptions options = request.options;
  options.quiet = log_level() > LogLevel::info;
  use_cpu_threads(options.run.threads);
  NoisePictures pictures(load_noise_generator(request.model), options);
  return run_generate(options, pictures, {{"model", model_name(request.model)}}, std::cout, explain).exit_code();
}

}  // namespace ganvas::cli
