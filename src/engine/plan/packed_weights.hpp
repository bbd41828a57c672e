#pragma once

#include <ATen/core/Tensor.h>

#include <dnnl.hpp>
#include <memory>
#include <vector>

#include "engine/graph/node_id.hpp"
#include "engine/kernels/paired_rows.hpp"

namespace ganvas::engine {

/// oneDNN on this machine's CPU.
const dnnl::engine& cpu();
dnnl::stream& stream();

/// Which of a network's tensors.
struct WeightKey {
  enum class Kind { weight, bias };
  NodeId node;
  Kind kind = Kind::weight;
  bool operator==(const WeightKey&) const = default;
};

/// Weights in the layouts that oneDNN chose for them, shared by the plans of one network.
class PackedWeights {
 public:
  /// `weight`: fp32; for int8 whole numbers of at most 127.
  dnnl::memory get(WeightKey key, const at::Tensor& weight, const dnnl::memory::dims& dims,
                   dnnl::memory::format_tag given, const dnnl::memory::desc& wanted);
  /// What `make()` gives, called once for a node.
  template <typename Make>
  std::shared_ptr<const PairedRows> paired_rows(NodeId node, Make make) {
    for (const auto& [own, rows] : paired_rows_)
      if (own == node) return rows;
    return paired_rows_.emplace_back(node, make()).second;
  }

 private:
  struct Entry {
    WeightKey key;
    dnnl::memory memory;
  };
  std::vector<Entry> entries_;
  std::vector<std::pair<NodeId, std::shared_ptr<const PairedRows>>> paired_rows_;
};

}  // namespace ganvas::engine
