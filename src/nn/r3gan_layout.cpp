#include "nn/r3gan_layout.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"

namespace ganvas {

r3gan::Stages r3gan_stages(const nlohmann::json& config, const std::vector<int>& default_widths) {
  r3gan::Stages stages;
  stages.widths = numbers(config, "widths", default_widths);
  stages.blocks = numbers(config, "blocks", std::vector<int>(stages.widths.size(), 1));
  stages.group_width = positive(config, "group_width", 16);
  if (stages.widths.size() > 9) fail(ErrorKind::recipe, "r3gan: widths: at most 9 stages");
  if (stages.blocks.size() != stages.widths.size())
    fail(ErrorKind::recipe, "r3gan: blocks: {} numbers for {} stages", stages.blocks.size(), stages.widths.size());
  for (const int width : stages.widths)
    if (2 * width % stages.group_width != 0)
      fail(ErrorKind::recipe, "r3gan: twice the width {} is no multiple of group_width {}", width, stages.group_width);
  return stages;
}

StateDict without_r3gan_wrapper(const StateDict& file) {
  StateDict weights;
  for (const auto& [key, value] : file) {
    if (key.ends_with("Resampler.Kernel")) continue;
    weights.set(key.starts_with("Model.") ? key.substr(6) : key, value);
  }
  return weights;
}

nlohmann::json r3gan_config(const StateDict& weights, int first_block) {
  std::vector<int> widths, blocks;
  std::int64_t group_width = 16;
  for (int s = 0; s < 10 && weights.has_prefix(fmt::format("MainLayers.{}.", s)); ++s) {
    const std::string stage = fmt::format("MainLayers.{}.Layers.", s);
    blocks.push_back(count_layers(weights, stage, ".LinearLayer1.Layer.weight", first_block));
    if (blocks.back() == 0) fail(ErrorKind::model, "stage {} has no residual block", s);
    const std::string block = fmt::format("{}{}", stage, first_block);
    widths.push_back(static_cast<int>(conv_weight(weights, block + ".LinearLayer1.Layer").size(1)));
    group_width = conv_weight(weights, block + ".LinearLayer2.Layer").size(1);
  }
  return {{"widths", widths}, {"blocks", blocks}, {"group_width", group_width}};
}

}  // namespace ganvas
