#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "engine/plan/convolution_primitive.hpp"
#include "engine/plan/plan.hpp"

namespace ganvas::engine {

/// Fills an empty plan: a place for every value and the steps in order, but no offsets in the arena yet.
class PlanWriter {
 public:
  PlanWriter(Plan& plan, const Graph& graph, const ValueLayouts& layouts, Numbers numbers, PackedWeights& weights);

  void write();

 private:
  using Place = Plan::Place;

  // plan_writer.cpp: any operator
  void write(NodeId id);
  void write_kernel(NodeId id, const KernelOperator& op);
  bool is_output(NodeId id) const { return id == graph_.output(); }
  Place new_place(const View& view);
  void step(std::vector<Place> from, const Place& to, Kernel run);
  void touch(const Place& place, int step);
  /// The caller's picture for the result, and the step that brings the result there.
  Place output_place() const;
  void deliver();
  /// The value with all channels of a pixel together or in blocks, in its own precision: a copy where it lies
  /// otherwise, as the input picture does.
  Place laid(NodeId id, bool together);
  /// A copy in another layout, made once for all who need it.
  Place copy_of(NodeId id, const View& layout, Kernel make);

  // concat_steps.cpp
  void place_concats();
  bool is_prefix(NodeId id);
  void write_concat(NodeId id);

  // convolution_steps.cpp
  struct Source {
    Place place;
    bool split = false;
  };
  void write_convolution(NodeId id, const AnyConvolution& conv);
  void write_strips(NodeId id, const Convolution& conv, const Source& source);
  void write_primitive(NodeId id, const AnyConvolution& conv, const Place& from, const Place& to, ConvolutionUse use);
  bool write_paired_rows(NodeId id, const AnyConvolution& conv, const Place& from, const Place& to,
                         const ConvolutionUse& use);
  void write_together(NodeId id, const AnyConvolution& conv, const Place& from, const Place& to, ConvolutionUse use);
  Source source_for(NodeId id);
  Place target_for(NodeId id, const Source& source);
  bool is_aliased(NodeId id) const;
  Int8Scale scale_in(NodeId id) const;

  Plan& plan_;
  const Graph& graph_;
  const ValueLayouts& layouts_;
  bool half_, int8_;
  PackedWeights& weights_;
  int block_;
  PerNode<Place> places_;
  PerNode<NodeId> last_use_;                      ///< the input: none, as it uses nobody
  std::vector<std::pair<NodeId, Place>> copies_;  ///< of values in other layouts
};

}  // namespace ganvas::engine
