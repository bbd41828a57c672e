#include <cstdio>

#include "commands/run.hpp"
#include "commands/training_hints.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/core/recipe.hpp"
#include "ganvas/nn/failure.hpp"
#include "ganvas/train/trainer.hpp"

namespace ganvas::cli {

int run(const TrainRequest& request) {
  const auto find_by_name = [](const std::string& name) { return find_model(name); };
  const std::filesystem::path path = find_recipe(request.recipe);
  Recipe recipe = Recipe::load(path);
  for (const auto& assignment : request.sets) recipe.set(assignment);
  if (request.dry_run) {
    std::fputs(resolve_recipe(std::move(recipe), find_by_name).c_str(), stdout);
    return 0;
  }
  TrainOptions options = request.options;
  std::string out = options.out.string();
  if (out.empty()) fail(ErrorKind::usage, "-o: an empty name; give the run's folder");
  if (const auto mark = out.find("{recipe}"); mark != std::string::npos) out.replace(mark, 8, path.stem().string());
  options.out = out;
  options.find_model = find_by_name;
  wait_for_clean_end();  // a step may take long, and the checkpoint behind it is worth the wait
  const TrainResult result = [&] {
    try {
      return with_training_hints([&] { return train(std::move(recipe), options); });
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error) || dynamic_cast<const Error*>(&error)) throw;
      fail(ErrorKind::memory, "{}; lower train.batch, the crop or the networks' widths, or end other programs",
           failure_line(error));
    }
  }();
  if (!result.first) return 0;
  if (result.finished) fmt::print("{}/model.safetensors\n", out);
  log(LogLevel::info, "{} steps done{}; waited for data {:.1f} % of the time", result.steps,
      result.finished ? "" : ", go on with --resume", 100 * result.wait_share);
  return 0;
}

}  // namespace ganvas::cli
