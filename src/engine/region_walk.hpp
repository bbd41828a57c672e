#pragma once

#include <functional>
#include <memory>

#include "engine/region_moments.hpp"
#include "engine/region_operators.hpp"
#include "engine/region_schedule.hpp"
#include "engine/region_store.hpp"

namespace ganvas::engine {

/// What a walk over the picture needs from outside.
struct WalkFunctions {
  std::function<torch::Tensor(const Region&)> picture;               ///< part of the graph's input
  std::function<void(const Region&, const torch::Tensor&)> deliver;  ///< part of its output
  std::function<void(double)> progress;                              ///< 0 .. 1; may be empty
};

/// Carries out a schedule.
class Walk {
 public:
  /// `bf16`: convolutions between others in bf16, whether this CPU is fast at it or not.
  Walk(const Problem& problem, const Schedule& schedule, bool bf16, WalkFunctions functions);

  /// Throws Error(interrupted) between tiles, std::bad_alloc.
  void run();

  std::uint64_t most_kept_bytes() const { return bytes_.most(); }

 private:
  const Node& node(int i) const { return problem_.graph.nodes[static_cast<std::size_t>(i)]; }

  void run_pass(const Pass& pass);
  void run_tile(const Pass& pass, const std::vector<Target>& targets);
  torch::Tensor leaf(int i, const Region& region) const;
  torch::Tensor computed(int i, const Demand& demand);
  /// The values of `i` where they are read for the last time, else a reference.
  torch::Tensor used(int i);
  void hand_over(const Pass& pass, const Target& target, const torch::Tensor& values);
  /// For each row of tiles and each value that is read for the last time: above which row nobody reads it any more
  /// when that row of tiles is done.
  std::vector<std::vector<int>> forgettable(const Pass& pass) const;

  const Problem& problem_;
  const Schedule& schedule_;
  std::vector<bool> bf16_;  ///< one a node
  WalkFunctions functions_;
  KeptBytes bytes_;
  std::vector<std::unique_ptr<KeptValue>> kept_;          ///< one a node
  std::vector<GlobalValues> globals_;                     ///< one a node
  std::vector<std::unique_ptr<ChannelMoments>> moments_;  ///< one a node: of a norm's input, in the making
  std::vector<torch::Tensor> values_;                     ///< one a node, in one tile
  std::vector<int> uses_;                                 ///< how often each is still read in this tile
  double done_ = 0;                                       ///< cost of the tiles that are done
};

}  // namespace ganvas::engine
