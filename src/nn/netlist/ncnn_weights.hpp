#pragma once

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <vector>

namespace ganvas::netlist {

/// ncnn's file of weights, which has no structure of its own: layers take theirs from front to back. All give fp32 and
/// throw Error(model) where the file ends before.
class NcnnWeights {
 public:
  /// Throws Error(file).
  explicit NcnnWeights(const std::filesystem::path& path);
  ~NcnnWeights();
  NcnnWeights(const NcnnWeights&) = delete;
  NcnnWeights& operator=(const NcnnWeights&) = delete;

  /// As they are.
  torch::Tensor plain(const std::vector<std::int64_t>& shape);
  /// Behind a mark that says fp32 or fp16; other kinds (int8, tables) are refused.
  torch::Tensor marked(const std::vector<std::int64_t>& shape);
  /// Throws unless all were taken.
  void check_end() const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace ganvas::netlist
