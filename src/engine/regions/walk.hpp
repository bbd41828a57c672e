#pragma once

#include <functional>
#include <memory>

#include "engine/regions/moments.hpp"
#include "engine/regions/schedule.hpp"
#include "engine/regions/store.hpp"

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
  const Node& node(NodeId id) const { return problem_.graph[id]; }

  void run_pass(const Pass& pass);
  void run_tile(const Pass& pass, const std::vector<Target>& targets);
  torch::Tensor leaf(NodeId id, const Region& region) const;
  torch::Tensor computed(NodeId id, const Demand& demand);
  /// The values of `id` where they are read for the last time, else a reference.
  torch::Tensor used(NodeId id);
  void hand_over(const Pass& pass, const Target& target, const torch::Tensor& values);
  /// For each row of tiles and each value that is read for the last time: above which row nobody reads it any more
  /// when that row of tiles is done.
  std::vector<std::vector<int>> forgettable(const Pass& pass) const;

  const Problem& problem_;
  const Schedule& schedule_;
  PerNode<bool> bf16_;
  WalkFunctions functions_;
  KeptBytes bytes_;
  PerNode<std::unique_ptr<KeptValue>> kept_;
  PerNode<GlobalValues> globals_;
  PerNode<std::unique_ptr<ChannelMoments>> moments_;  ///< of a norm's input, in the making
  PerNode<torch::Tensor> values_;                     ///< in one tile
  PerNode<int> uses_;                                 ///< how often each is still read in this tile
  double done_ = 0;                                   ///< cost of the tiles that are done
};

}  // namespace ganvas::engine
