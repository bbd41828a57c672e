#include "train/build_generator.hpp"

#include <torch/torch.h>

#include "ganvas/core/log.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

/// Copies what fits from a trained network: another scale shares all but its last layer.
void start_from(Generator& network, const std::string& path) {
  const torch::NoGradGuard no_grad;
  const StateDict source = state_dict_of(*load_generator(path).network);
  int taken = 0, total = 0;
  for (const auto& [key, value] : state_dict_of(network)) {
    ++total;
    const Tensor* weight = source.find(key);
    if (!weight || weight->sizes() != value.sizes()) continue;
    Tensor target = value;
    target.copy_(*weight);
    ++taken;
  }
  log(LogLevel::info, "{} of {} weights start from {}", taken, total, path);
}

void initialise_generator(const TaskContext& context, Generator& network) {
  Recipe& recipe = context.recipe;
  initialise(network, recipe.choice("generator.init", "default", initialisations()),
             recipe.number("generator.init_gain", 1.0, 0.0, 100.0));
}

}  // namespace

void begin_anew(const TaskContext& context, Generator& network) {
  const GeneratorPtr fresh = make_generator(network.architecture(), network.config());
  initialise_generator(context, *fresh);
  load_state_dict(network, state_dict_of(*fresh), network.architecture());
}

GeneratorPtr build_generator(const TaskContext& context, const std::string& default_architecture,
                             const std::string& start_key) {
  Recipe& recipe = context.recipe;
  const std::string architecture = recipe.text("generator.architecture", default_architecture);
  GeneratorPtr generator = make_generator(
      architecture, recipe.table("generator", {"architecture", "init", "init_gain", "icnr", "start", "start_reverse"}));
  recipe.record("generator", generator->config());
  initialise_generator(context, *generator);
  if (recipe.flag("generator.icnr", false)) generator->soften_pixel_shuffles();
  if (const std::string start = recipe.text("generator." + start_key, ""); !start.empty() && context.find_model)
    start_from(*generator, context.find_model(start).string());
  use_channels_last(*generator);
  generator->to(context.device);
  return generator;
}

}  // namespace ganvas
