#include "nn/nearest.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

namespace {

using Kinds = std::set<std::string>;

/// A key with every number as '#': the same layer of every block is one kind.
std::string kind_of(const std::string& key) {
  std::string kind;
  for (const char c : key) {
    if (!std::isdigit(static_cast<unsigned char>(c))) kind += c;
    else if (kind.empty() || kind.back() != '#') kind += '#';
  }
  return kind;
}

Kinds kinds_of(const StateDict& weights) {
  Kinds kinds;
  for (const auto& [key, tensor] : weights) kinds.insert(kind_of(key));
  return kinds;
}

Kinds both(const Kinds& a, const Kinds& b) {
  Kinds result;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(result, result.end()));
  return result;
}

/// What networks of one architecture have: all kinds of keys that occur, and those that all its examples share.
struct Layout {
  explicit Layout(const GeneratorPlugin& plugin) {
    for (const auto& config : plugin.examples) {
      const Kinds kinds = kinds_of(state_dict_of(*plugin.make(config)));
      always = sometimes.empty() ? kinds : both(always, kinds);
      sometimes.insert(kinds.begin(), kinds.end());
    }
  }
  Kinds sometimes, always;
};

}  // namespace

std::string nearest_architecture(const StateDict& weights) {
  constexpr double alike = 0.3;  // share of kinds in common below which a resemblance is chance
  const Kinds kinds = kinds_of(weights);
  double best = alike;
  std::string text;
  for (const auto& plugin : generator_plugins()) {
    const Layout layout(plugin);
    const double common = static_cast<double>(both(kinds, layout.sometimes).size());
    const double share = common / (static_cast<double>(kinds.size() + layout.sometimes.size()) - common);
    if (share <= best) continue;
    best = share;
    text = plugin.name;
    const auto missing = std::find_if(layout.always.begin(), layout.always.end(),
                                      [&](const auto& kind) { return !kinds.contains(kind); });
    if (missing != layout.always.end()) text += fmt::format(", but '{}' is missing", *missing);
    const auto other = std::find_if(weights.begin(), weights.end(), [&](const StateDict::Entry& entry) {
      return !layout.sometimes.contains(kind_of(entry.first));
    });
    if (other != weights.end())
      text +=
          fmt::format("{} '{}' is none of its keys", missing != layout.always.end() ? " and" : ", but", other->first);
  }
  return text;
}

}  // namespace ganvas
