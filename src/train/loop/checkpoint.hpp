#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// All that a resumed run needs, as one safetensors file: networks, averages, optimisers, LibTorch's random state.
/// Data need nothing: a batch is a function of its index.
struct Checkpoint {
  StateDict tensors;
  std::map<std::string, std::string> facts;  ///< step, best score, recipe, threads, what the pictures are known by

  void add(const std::string& prefix, const StateDict& weights);
  /// The tensors below `prefix`, without it.
  StateDict below(const std::string& prefix) const;

  /// One of the facts. Throws Error(model) when it is missing.
  const std::string& fact(const std::string& key, const std::string& name) const;

  /// The same of one that is a whole number from 0 up. Throws Error(model) for others.
  std::int64_t count(const std::string& key, const std::string& name) const;

  /// The state of this process's random numbers, as bytes.
  static torch::Tensor random_state();
  /// The states of all processes, one a row; on CUDA that of the first device as well.
  void add_random_state(const torch::Tensor& states);
  /// Sets the state of process `rank`; false where the checkpoint is of another number of processes.
  bool restore_random_state(int rank, int size) const;
};

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
Checkpoint read_checkpoint(const std::filesystem::path& path);

}  // namespace ganvas
