#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// ncnn's text file (github.com/Tencent/ncnn, docs/developer-guide/param-and-model-file-structure.md): a magic number,
/// counts of layers and values, then a layer a line.
namespace ganvas::netlist {

struct NcnnLayer {
  std::string type, name;
  std::vector<std::string> inputs, outputs;
  std::map<int, double> numbers;              ///< "3=2"
  std::map<int, std::vector<double>> arrays;  ///< "-23310=1,0.1", under 10

  std::int64_t whole(int key, std::int64_t fallback) const;
  /// Refused outside of low .. high.
  std::int64_t bounded(int key, std::int64_t fallback, std::int64_t low, std::int64_t high) const;
  double real(int key, double fallback) const;
  bool says(int key) const { return numbers.contains(key); }
  const std::vector<double>* array(int key) const;
  /// Error(model) in the layer's name.
  [[noreturn]] void refuse(const std::string& why) const;
};

/// Throws Error(model) at the first line that isn't as it should be.
std::vector<NcnnLayer> read_ncnn_text(const std::filesystem::path& path);
bool is_ncnn_text(const std::filesystem::path& path);

}  // namespace ganvas::netlist
