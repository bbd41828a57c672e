#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/layouts/value_layouts.hpp"

namespace ganvas::engine {

/// What was measured, kept for the next process: a file each in a folder of the user's cache. Deleting them is always
/// safe; so is writing from several processes, as files appear whole. A file that is broken, half, of another version
/// or of something else is no answer, and is written anew.
class ChoiceCache {
 public:
  struct Entry {
    Together together;
    double seconds = 0;  ///< what this takes, as it was measured
  };

  explicit ChoiceCache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// In the folder of the user's cache.
  static ChoiceCache of_user();

  /// `key`: all that the answer depends on; `nodes`: as many as the graph has.
  std::optional<Entry> find(const std::string& key, std::size_t nodes) const;
  /// Failing is no harm: it is measured again.
  void keep(const std::string& key, const Entry& entry) const;

 private:
  std::filesystem::path place(const std::string& key) const;
  std::filesystem::path folder_;
};

/// What of a graph its times depend on: operators, shapes, who reads whom; not the weights' values. 16 digits.
std::string graph_key(const Graph& graph);

}  // namespace ganvas::engine
