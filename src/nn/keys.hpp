#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ganvas/format/state_dict.hpp"

/// Reading a network's sizes from the shapes of its weights. A file may be damaged: all throw Error(model).
namespace ganvas {

/// Size along `axis` of the weight `key`, which must be there, have `rank` dimensions and hold something.
int size_of(const StateDict& weights, const std::string& key, int rank, int axis);
/// Number of values of the vector `key`.
int length_of(const StateDict& weights, const std::string& key);

/// The root of a square number; nullopt for others.
std::optional<int> whole_root(std::int64_t square);

/// How a last convolution of `planes` and a pixel shuffle divide them: as many channels as come in, else 3, 4 or 1.
struct ShuffledOutput {
  int scale = 1, channels = 3;
};
ShuffledOutput split_planes(std::int64_t planes, int in_channels);

/// What a container calls the network itself, where weights alone can't tell two apart ("waifu2x.upcunet"): known to
/// detection within a scope, on this thread.
class NameInFile {
 public:
  explicit NameInFile(std::string name);
  ~NameInFile();
  NameInFile(const NameInFile&) = delete;
  NameInFile& operator=(const NameInFile&) = delete;
  /// "" outside of any scope, and of most files.
  static std::string current();

 private:
  std::string name_;
  const NameInFile* outer_;
};

/// Without what published networks store although it follows from sizes: indices of relative positions, masks of
/// shifted windows (which belong to the size of the training pictures), first positions of samplers, and what profilers
/// leave behind.
StateDict without_recomputed(const StateDict& weights);

}  // namespace ganvas
