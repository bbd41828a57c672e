#pragma once

#include <memory>
#include <vector>

#include "ganvas/nn/generator.hpp"
#include "nn/explore.hpp"
#include "nn/netlist/operators.hpp"

namespace ganvas::netlist {

/// What stands around the graph: pictures are padded by `margin` on all sides, `cut` is taken off the result, and what
/// is missing to `info.multiple` is added at the bottom and right.
struct Frame {
  GeneratorInfo info;
  int margin = 0, cut = 0;
  bool repeated_edge = false;  ///< what lies beyond the border is the edge, else the reflection
};

/// A netlist as a network. Its fp32 constants are its weights, under the names w0, w1, ... in their order.
class Network final : public Generator {
 public:
  /// The list has passed check().
  Network(std::shared_ptr<const Netlist> list, Frame frame);

  torch::Tensor forward(const torch::Tensor& input) override;
  /// Without frame. Throws Error(model) that names the operation which fails.
  torch::Tensor run(const torch::Tensor& input);

  GeneratorInfo info() const override { return frame_.info; }
  std::string architecture() const override { return "graph"; }
  nlohmann::json config() const override;
  void set_frame(const Frame& frame) { frame_ = frame; }

 private:
  struct Step {
    const Operation* operation = nullptr;
    Compute compute = nullptr;
    std::vector<int> inputs, outputs;  ///< places; -1: none
    std::vector<int> ends;             ///< values that nobody needs after it
  };
  struct Value {
    torch::Tensor tensor;
    bool of_picture = false;  ///< others are known before, and no part of a trace
  };
  Tensors computed(const Step& step, const std::vector<Value>& values, bool of_picture) const;

  std::shared_ptr<const Netlist> list_;
  Frame frame_;
  std::vector<torch::Tensor> constants_;  ///< in the list's order, in the first places
  std::vector<Step> steps_;
  int places_ = 0, input_ = 0, output_ = 0;
};

/// The netlist and frame of a config, with zeros for weights. Throws Error(recipe).
std::shared_ptr<Network> network_of(const nlohmann::json& config);

}  // namespace ganvas::netlist
