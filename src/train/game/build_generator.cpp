#include "train/game/build_generator.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/registry.hpp"
#include "train/game/start_weights.hpp"

namespace ganvas {

namespace {

std::string described(const Generator& network) {
  return fmt::format("{} {}", network.architecture(), network.config().dump());
}

void soften(const Recipe& recipe, Generator& network) {
  std::vector<torch::Tensor> before;
  for (const auto& parameter : network.parameters()) before.push_back(parameter.detach().clone());
  network.soften_pixel_shuffles();
  const auto now = network.parameters();
  if (std::equal(before.begin(), before.end(), now.begin(), [](const auto& a, const auto& b) { return a.equal(b); }))
    log(LogLevel::warning, "{}: generator.icnr does nothing: {} has no pixel shuffle", recipe.name(),
        network.architecture());
}

/// Mean square of what the network makes of a gradient of colours less its nearest-neighbour enlargement; 0 where
/// results have channels that pictures don't have.
double from_enlargement(Generator& network) {
  const torch::NoGradGuard no_grad;
  const GeneratorInfo info = network.info();
  if (info.out_channels > info.in_channels) return 0;
  const torch::Tensor unit = torch::linspace(0, 1, info.in_channels * 16 * 16).view({1, info.in_channels, 16, 16});
  network.eval();
  const torch::Tensor result = from_range(network.forward(to_range(unit, info)), info);
  network.train();
  const torch::Tensor enlarged = torch::upsample_nearest2d(unit, {16 * info.scale, 16 * info.scale});
  return (result - enlarged.narrow(1, 0, info.out_channels)).square().mean().item<double>();
}

void initialise_generator(const TaskContext& context, Generator& network) {
  Recipe& recipe = context.recipe;
  initialise_from_recipe(recipe, "generator", network);
  const bool dirac = recipe.flag("generator.dirac", false), icnr = recipe.flag("generator.icnr", false);
  double without = 0;
  if (dirac) {
    const GeneratorPtr plain = replicate(network);
    if (icnr) plain->soften_pixel_shuffles();
    without = from_enlargement(*plain);
    add_dirac(network);
  }
  if (icnr) soften(recipe, network);
  if (dirac && from_enlargement(network) > without)
    log(LogLevel::warning,
        "{}: with generator.dirac {} begins farther from an enlarged picture than without; some networks add one "
        "themselves",
        recipe.name(), network.architecture());
}

}  // namespace

void initialise_from_recipe(Recipe& recipe, const std::string& table, torch::nn::Module& network) {
  const std::string kind = recipe.choice(table + ".init", "default", initialisations());
  const double gain = recipe.number(table + ".init_gain", 1.0, 0.0, 100.0);
  if (kind == "default" && gain != 1)
    log(LogLevel::warning, "{}: {}.init_gain does nothing without {}.init", recipe.name(), table, table);
  initialise(network, kind, gain);
}

void begin_anew(const TaskContext& context, Generator& network) {
  const GeneratorPtr fresh = make_generator(network.architecture(), network.config());
  initialise_generator(context, *fresh);
  load_state_dict(network, state_dict_of(*fresh), network.architecture());
}

GeneratorPtr build_generator(const TaskContext& context, const std::string& default_architecture,
                             const std::string& start_key) {
  Recipe& recipe = context.recipe;
  const std::string architecture = recipe.text("generator.architecture", default_architecture);
  const nlohmann::json options =
      recipe.table("generator", {"architecture", "init", "init_gain", "dirac", "icnr", "start", "start_reverse"});
  GeneratorPtr generator;
  try {
    generator = make_generator(architecture, options);
  } catch (const Error& error) {
    fail(ErrorKind::recipe, "{}: [generator]: {}", recipe.name(), error.what());
  }
  recipe.record("generator", generator->config());
  initialise_generator(context, *generator);
  const std::string key = "generator." + start_key;
  if (const std::string start = recipe.text(key, ""); !start.empty() && context.find_model) {
    const std::string file = context.model(key, start).string();
    const GeneratorPtr trained = load_generator(file).network;
    start_from(*generator, state_dict_of(*trained), file, described(*generator), described(*trained));
  }
  use_channels_last(*generator);
  generator->to(context.device);
  return generator;
}

}  // namespace ganvas
