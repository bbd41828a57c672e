#include "format/prefixes.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace ganvas::format {
namespace {

constexpr std::string_view kModel = "model.";
/// Names that training code gives the generator beside others.
constexpr std::array<std::string_view, 3> kGenerators{"net_g.", "netG.", "generator."};
/// What DataParallel, torch.compile and training code put before every key.
constexpr std::array<std::string_view, 6> kPrefixes{"module.", "_orig_mod.", kModel, "net_g.", "netG.", "generator."};
/// How the names of those begin that only training needs.
constexpr std::array<std::string_view, 8> kTrainingOnly{"discriminator", "net_d",      "netD", "loss",
                                                        "criterion",     "perceptual", "vgg",  "lpips"};

struct Named {
  std::string_view key;  ///< what is left of it
  const torch::Tensor* tensor;
};

bool begins_with_digit(std::string_view text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front()));
}

/// What counters of profilers and averaging code leave among the weights.
bool is_bookkeeping(const Named& item) {
  const std::string_view last = item.key.substr(item.key.rfind('.') + 1);  // npos + 1 is 0
  return item.tensor->numel() <= 1 && (last == "total_ops" || last == "total_params" || item.key == "n_averaged");
}

bool have_prefix(const std::vector<Named>& items, std::string_view prefix) {
  return std::ranges::all_of(
      items, [&](const Named& item) { return item.key.size() > prefix.size() && item.key.starts_with(prefix); });
}

/// Whether "model." is a network's own name: of the ResNets and the first ESRGANs (model.0, model.1.sub...), and, twice
/// and with more of it further inside, of pix2pix's U-Nets (model.model.1.model.0).
bool is_own_model(const std::vector<Named>& items) {
  bool numbered = false, numbered_inside = false, nested = false;
  for (const Named& item : items) {
    const std::string_view rest = item.key.substr(kModel.size());
    numbered |= begins_with_digit(rest);
    if (!rest.starts_with(kModel)) continue;
    numbered_inside |= begins_with_digit(rest.substr(kModel.size()));
    nested |= rest.find(".model.") != rest.npos;
  }
  return numbered || (numbered_inside && nested);
}

template <typename Condition>
void keep_unless(std::vector<Named>& items, Condition unwanted) {
  if (!std::ranges::all_of(items, unwanted)) std::erase_if(items, unwanted);
}

/// Where one dict holds all networks of a training: keeps the generator's.
void keep_generator(std::vector<Named>& items) {
  const auto is_generator = [](const Named& item) {
    return std::ranges::any_of(kGenerators, [&](std::string_view name) { return item.key.starts_with(name); });
  };
  const auto for_training = [](const Named& item) {
    return std::ranges::any_of(kTrainingOnly, [&](std::string_view name) { return item.key.starts_with(name); });
  };
  if (!std::ranges::any_of(items, is_generator)) return;
  if (std::ranges::all_of(items, [&](const Named& item) { return is_generator(item) || for_training(item); }))
    keep_unless(items, for_training);
}

bool strip_one(std::vector<Named>& items) {
  for (const std::string_view prefix : kPrefixes) {
    if (!have_prefix(items, prefix) || (prefix == kModel && is_own_model(items))) continue;
    for (Named& item : items) item.key.remove_prefix(prefix.size());
    return true;
  }
  return false;
}

}  // namespace

StateDict strip_prefixes(const StateDict& weights) {
  std::vector<Named> items;
  for (const auto& [key, tensor] : weights) items.push_back({key, &tensor});
  if (items.empty()) return {};
  do {
    keep_unless(items, is_bookkeeping);
    keep_generator(items);
  } while (strip_one(items));
  StateDict result;
  for (const auto& [key, tensor] : items) result.set(std::string(key), *tensor);
  return result;
}

}  // namespace ganvas::format
