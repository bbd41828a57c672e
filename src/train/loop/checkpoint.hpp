#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// All that a resumed run needs, as one safetensors file: networks, averages, optimisers, LibTorch's random state.
/// Data need nothing: a batch is a function of its index.
struct Checkpoint {
  StateDict tensors;
  std::map<std::string, std::string> facts;  ///< step, best score, recipe

  void add(const std::string& prefix, const StateDict& weights);
  /// The tensors below `prefix`, without it.
  StateDict below(const std::string& prefix) const;

  /// One of the facts. Throws Error(model) when it is missing.
  const std::string& fact(const std::string& key, const std::string& name) const;

  void add_random_state();
  void restore_random_state() const;
};

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
Checkpoint read_checkpoint(const std::filesystem::path& path);

}  // namespace ganvas
