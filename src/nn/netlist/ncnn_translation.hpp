#pragma once

#include <set>
#include <string>

#include "nn/netlist/ncnn_file.hpp"
#include "nn/netlist/ncnn_weights.hpp"
#include "nn/netlist/netlist.hpp"

namespace ganvas::netlist {

/// Turns layers into operations, in their order, which is that of the weights.
class NcnnTranslation {
 public:
  explicit NcnnTranslation(NcnnWeights& weights) : weights_(weights) {}
  /// Throws Error(model) in the layer's name.
  void add(const NcnnLayer& layer);
  Netlist list;

  /// \name For the layers' own functions.
  /// @{
  NcnnWeights& weights() { return weights_; }
  /// The result of `op` is the layer's, or goes on to `then`.
  void give(const NcnnLayer& layer, const char* op, const std::vector<std::string>& inputs,
            const nlohmann::json& attributes = nlohmann::json::object());
  /// A value between two operations of a layer.
  std::string between(const NcnnLayer& layer, const char* op, const std::vector<std::string>& inputs,
                      const nlohmann::json& attributes = nlohmann::json::object());
  std::string constant(const torch::Tensor& values);
  /// What an input is, splits and other layers that do nothing being passed over.
  std::string input(const NcnnLayer& layer, std::size_t i) const;
  void pass_on(const NcnnLayer& layer);
  /// `value` with the activation that a convolution carries, as the layer's result.
  void activated(const NcnnLayer& layer, const std::string& value);
  /// Values of one pixel, which ncnn has as vectors.
  std::set<std::string> vectors;
  /// @}

 private:
  NcnnWeights& weights_;
  std::map<std::string, std::string> aliases_;
  int count_ = 0;
};

}  // namespace ganvas::netlist
