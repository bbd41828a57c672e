#pragma once

#include <torch/types.h>

#include <dnnl.hpp>
#include <vector>

namespace ganvas::engine {

/// oneDNN on this machine's CPU.
const dnnl::engine& cpu();
dnnl::stream& stream();

/// Weights in the layouts that oneDNN chose for them, shared by the plans of one network.
class PackedWeights {
 public:
  /// `weight`: fp32; for int8 whole numbers of at most 127. `key` tells a network's weights apart.
  dnnl::memory get(int key, const torch::Tensor& weight, const dnnl::memory::dims& dims, dnnl::memory::format_tag given,
                   const dnnl::memory::desc& wanted);

 private:
  struct Entry {
    int key;
    dnnl::memory memory;
  };
  std::vector<Entry> entries_;
};

}  // namespace ganvas::engine
