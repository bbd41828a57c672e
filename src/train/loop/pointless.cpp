#include "train/loop/pointless.hpp"

#include <algorithm>

#include "ganvas/core/error.hpp"

namespace ganvas {

const std::vector<PointlessOption>& pointless_options() {
  const char* points = "points of a plane are no pictures, and none has a partner to be compared with";
  const char* one_way = "no second generator leads back to the input";
  const char* pairs = "every result has its partner to be compared with, so that an inversion can't stay unseen";
  const char* no_light = "points of a plane have neither light nor dark";
  const char* any_light = "a style may well turn light into dark";
  const char* nothing_to_keep =
      "pictures from noise are made of no other picture and have no partner to be compared with";
  static const std::vector<PointlessOption> all{
      {"adversarial.on", {"mixture", "noise"}, "nothing is to be learnt from"},
      {"loss.pixel", {"noise"}, nothing_to_keep},
      {"loss.pixel_weight", {"noise"}, nothing_to_keep},
      {"loss.luma_weight", {"noise"}, nothing_to_keep},
      {"loss.tv_weight", {"noise"}, nothing_to_keep},
      {"loss.grid_weight", {"noise"}, nothing_to_keep},
      {"loss.steady_weight", {"noise"}, nothing_to_keep},
      {"perceptual.", {"noise"}, nothing_to_keep},
      {"loss.cycle", {"noise"}, nothing_to_keep},
      {"loss.identity", {"noise"}, nothing_to_keep},
      {"monitor.inversion_low", {"noise"}, nothing_to_keep},
      {"monitor.on_inversion", {"noise"}, nothing_to_keep},
      {"loss.pixel", {"mixture"}, points},
      {"loss.pixel_weight", {"mixture"}, points},
      {"loss.luma_weight", {"mixture"}, points},
      {"loss.tv_weight", {"mixture"}, points},
      {"loss.grid_weight", {"mixture"}, points},
      {"loss.steady_weight", {"mixture"}, points},
      {"perceptual.", {"mixture"}, points},
      {"generator.start_reverse",
       {"super-resolution", "pix2pix", "cut", "mixture", "noise", "style-any", "style"},
       one_way},
      {"discriminator.start_reverse",
       {"super-resolution", "pix2pix", "cut", "mixture", "noise", "style-any", "style"},
       one_way},
      {"loss.cycle", {"super-resolution", "pix2pix", "cut", "mixture", "style-any", "style"}, one_way},
      {"loss.identity",
       {"super-resolution", "pix2pix", "mixture", "style"},
       "what goes in and what comes out are of two kinds, so that nothing is to stay as it is"},
      {"loss.identity", {"cut"}, "nce.identity is what keeps pictures of B as they are"},
      {"monitor.inversion_low", {"super-resolution", "pix2pix"}, pairs},
      {"monitor.on_inversion", {"super-resolution", "pix2pix"}, pairs},
      {"monitor.inversion_low", {"style-any", "style"}, any_light},
      {"monitor.on_inversion", {"style-any", "style"}, any_light},
      {"monitor.inversion_low", {"mixture"}, no_light},
      {"monitor.on_inversion", {"mixture"}, no_light},
  };
  return all;
}

const PointlessOption* pointless_option(const std::string& task, const std::string& key) {
  for (const auto& option : pointless_options()) {
    const bool whole_table = option.key.ends_with('.');
    if ((whole_table ? key.starts_with(option.key) : key == option.key) &&
        std::find(option.tasks.begin(), option.tasks.end(), task) != option.tasks.end())
      return &option;
  }
  return nullptr;
}

void refuse_pointless(const Recipe& recipe, const std::string& task) {
  for (const auto& key : recipe.given())
    if (const auto* option = pointless_option(task, key); option && !recipe.at_default(key))
      fail(ErrorKind::recipe, "{}: {}: means nothing to task {}: {}", recipe.name(), key, task, option->reason);
}

}  // namespace ganvas
