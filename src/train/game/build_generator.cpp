#include "train/game/build_generator.hpp"

#include <torch/torch.h>

#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

/// Weights that the recipe fixes, such as a slope for all layers.
std::set<std::string> fixed_weights(const Generator& network) {
  std::set<std::string> fixed;
  for (const auto& parameter : network.named_parameters())
    if (!parameter.value().requires_grad()) fixed.insert(parameter.key());
  return fixed;
}

/// Copies what fits from a trained network: another scale shares all but its last layer.
void start_from(Generator& network, const std::string& path) {
  const torch::NoGradGuard no_grad;
  const StateDict source = state_dict_of(*load_generator(path).network);
  const std::set<std::string> fixed = fixed_weights(network);
  int taken = 0, total = 0, changed = 0;
  for (const auto& [key, value] : state_dict_of(network)) {
    ++total;
    const Tensor* weight = source.find(key);
    if (!weight || weight->sizes() != value.sizes()) continue;
    ++taken;
    if (fixed.contains(key)) {
      changed += !torch::allclose(*weight, value.to(weight->scalar_type()), 1e-5, 1e-6);
      continue;
    }
    Tensor target = value;
    target.copy_(*weight);
  }
  if (taken == 0) fail(ErrorKind::model, "{}: none of its weights fits the recipe's network", path);
  log(LogLevel::info, "{} of {} weights start from {}", taken, total, path);
  if (changed > 0)
    log(LogLevel::warning,
        "{} of these are fixed by the recipe (generator.slope) and other than the file's: the start is another "
        "function",
        changed);
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
