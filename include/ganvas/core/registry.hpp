#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ganvas/core/error.hpp"

namespace ganvas {

/// The plug-ins of one kind: structs with a `name` and, where it matters in which order they are tried at a file, an
/// `order`, small first.
template <typename Plugin>
class Registry {
 public:
  /// `kind` stands in messages: "architecture", "discriminator".
  Registry(std::string kind, std::vector<Plugin> plugins) : kind_(std::move(kind)), plugins_(std::move(plugins)) {
    if constexpr (requires(const Plugin& plugin) { plugin.order; })
      std::ranges::stable_sort(plugins_, {}, &Plugin::order);
  }

  auto begin() const { return plugins_.begin(); }
  auto end() const { return plugins_.end(); }
  std::size_t size() const { return plugins_.size(); }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Plugin& plugin : plugins_) names.push_back(plugin.name);
    return names;
  }

  /// Null where there is none of this name.
  const Plugin* find(std::string_view name) const {
    const auto found = std::ranges::find(plugins_, name, &Plugin::name);
    return found == plugins_.end() ? nullptr : &*found;
  }

  /// Throws Error(recipe) that names the known ones.
  const Plugin& at(std::string_view name) const {
    if (const Plugin* plugin = find(name)) return *plugin;
    fail(ErrorKind::recipe, "unknown {} '{}'; known: {}", kind_, name, fmt::join(names(), ", "));
  }

  /// The first plug-in whose `detect` gives something for `subject` (weights), with what it gives; empty: none does. An
  /// Error of a `detect` comes as Error(model) that says what `name` looks like.
  template <typename Subject>
  auto recognise(const Subject& subject, const std::string& name) const {
    using Found = typename decltype(std::declval<const Plugin&>().detect(subject))::value_type;
    std::optional<std::pair<const Plugin*, Found>> result;
    for (const Plugin& plugin : plugins_) {
      if (!plugin.detect) continue;
      try {
        if (auto found = plugin.detect(subject)) {
          result.emplace(&plugin, std::move(*found));
          break;
        }
      } catch (const Error& error) {
        fail(ErrorKind::model, "{}: looks like {}, but {}", name, plugin.name, error.what());
      }
    }
    return result;
  }

 private:
  std::string kind_;
  std::vector<Plugin> plugins_;
};

}  // namespace ganvas
