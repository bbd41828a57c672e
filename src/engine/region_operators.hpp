#pragma once

#include <torch/types.h>

#include <vector>

#include "engine/geometry.hpp"

/// The arithmetic of one node on a part of its result, by LibTorch. Values are 1 x C x rows x columns, fp32,
/// channels_last in memory, with any strides.
namespace ganvas::engine {

/// What a node with a view of all pixels needs of them; one value a channel, fp32. A mean has no variance.
struct GlobalValues {
  torch::Tensor mean, variance;
};

/// One evaluation of a node.
struct Evaluation {
  const Node& node;
  Region wanted;  ///< of the result
  std::vector<torch::Tensor>
      inputs;                   ///< exactly source_region() of each; freed or overwritten where nobody else has it
  std::vector<Region> regions;  ///< of the inputs
  std::vector<Size> sizes;      ///< of the whole inputs
  const GlobalValues* globals = nullptr;
  bool bf16 = false;  ///< convolutions
};

/// Gives `wanted`. Inputs and means are no business of it.
torch::Tensor evaluate(Evaluation evaluation);

/// Bytes that evaluate() takes for the while beside inputs and result, roughly.
double scratch_bytes(const Node& node, const Region& wanted, const Region& source);

/// Multiply-adds for `area` pixels of the result; 0 for what isn't a convolution.
double multiply_adds(const Node& node, double area);

}  // namespace ganvas::engine
