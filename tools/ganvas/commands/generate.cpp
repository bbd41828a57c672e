#include "ganvas/infer/generate.hpp"

#include <torch/torch.h>

#include <iostream>

#include "commands/explain.hpp"
#include "commands/hints.hpp"
#include "commands/model_name.hpp"
#include "commands/other_file.hpp"
#include "commands/run.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/infer/project_pictures.hpp"
#include "ganvas/loss/lpips.hpp"
#include "ganvas/nn/threads.hpp"

namespace ganvas::cli {

namespace {

/// LPIPS with the shipped features and squared differences, as the options weigh them.
DistanceTo distance_for(const ProjectOptions& options, const NoisePictures& pictures) {
  const NoiseGeneratorInfo info = pictures.info();
  std::shared_ptr<Lpips> lpips;
  if (options.lpips > 0) {
    lpips = std::make_shared<Lpips>(load_feature_network(find_model("features")));
    lpips->to(pictures.device());
  }
  const auto unit = [info](const torch::Tensor& x) {
    const torch::Tensor y = (x - info.value_low) / (info.value_high - info.value_low);
    return x.size(1) == 3 ? y : y.narrow(1, 0, std::min<std::int64_t>(3, y.size(1))).expand({-1, 3, -1, -1});
  };
  return [=](const torch::Tensor& target) -> PictureDistance {
    const torch::Tensor b = unit(target);
    std::vector<torch::Tensor> features;
    if (lpips) features = lpips->network()->features(b, lpips->layers());
    return [=](const torch::Tensor& picture) {
      const torch::Tensor a = unit(picture);
      torch::Tensor sum = options.mse * torch::mse_loss(a, b);
      if (lpips) {
        const auto found = lpips->network()->features(a.clamp(0, 1), lpips->layers());
        sum = sum + options.lpips * lpips->from_features(found, features).mean();
      }
      return sum;
    };
  };
}

}  // namespace

int run(const GenerateRequest& request) {
  GenerateOptions options = request.options;
  options.quiet = log_level() > LogLevel::info;
  if (!options.save_latents.empty()) require_free(options.save_latents, options.force || options.skip_existing);
  use_cpu_threads(options.run.threads);
  NoisePictures pictures(load_noise_generator(request.model), options);
  const std::map<std::string, std::string> facts{{"model", model_name(request.model)}};
  if (request.project.pictures.empty())
    return hinted({{"force", "give --force to replace it"},
                   {"grid", "give a folder, or --grid for one of all"},
                   {"walk", "give a folder, or --format y4m for a stream of frames"}},
                  [&] { return run_generate(options, pictures, facts, std::cout, explain).exit_code(); });
  return project_pictures(options, request.project, pictures, distance_for(request.project, pictures), facts, std::cout,
                          explain)
      .exit_code();
}

}  // namespace ganvas::cli
