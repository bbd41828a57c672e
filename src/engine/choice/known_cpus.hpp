#pragma once

#include <functional>
#include <string>
#include <utility>

#include "engine/choice/choose.hpp"

/// What is known of CPUs beforehand, so that the first picture needn't wait for measurements.
namespace ganvas::engine {

/// What chooses layouts on a machine.
enum class Habit {
  blocks,   ///< known: blocks are at least as fast everywhere
  tiles,    ///< known: AMX, whose tiles oneDNN uses for bf16 where all channels lie together, and there alone
  measured  ///< not known
};

struct CpuFacts {
  std::string name;           ///< the system's
  bool has_bf16 = false;      ///< AVX-512 BF16, and allowed
  bool has_amx_bf16 = false;  ///< usable, by oneDNN's word
};
/// `half`: for features in bf16.
Habit habit_of(const CpuFacts& cpu, bool half);
/// Whether every network is known to be faster in bf16 than in fp32, on a CPU that has bf16.
bool bf16_always_pays(const CpuFacts& cpu);

/// Whether PairedRows are known to be faster than oneDNN's 3x3 convolutions.
bool paired_rows_pay(const CpuFacts& cpu);

/// Which implementation oneDNN takes for a convolution in a layout (dnnl_impl_info_str); empty: none.
using Implementation = std::function<std::string(NodeId id, bool together)>;

/// By rates that were measured on a machine with AMX, bf16 and fp32; whether a convolution gets the tiles, oneDNN is
/// asked.
class TileCosts final : public Costs {
 public:
  TileCosts(const Graph& graph, const ValueLayouts& layouts, Numbers numbers, Implementation implementation)
      : graph_(graph),
        layouts_(layouts),
        half_(numbers.features == Element::bf16),
        implementation_(std::move(implementation)) {}
  double convolution(NodeId id, bool together) override;
  double copying(double bytes) override;

 private:
  const Graph& graph_;
  const ValueLayouts& layouts_;
  bool half_;
  Implementation implementation_;
};

}  // namespace ganvas::engine
