#pragma once

#include "engine/layouts/value_layouts.hpp"

/// Which values lie in blocks and which with all channels together, by what the steps take.
namespace ganvas::engine {

/// What steps take on some machine, for the values of one graph at one size.
class Costs {
 public:
  virtual ~Costs() = default;
  /// Seconds of a convolution with what follows in it, where it reads and writes values together or in blocks.
  virtual double convolution(NodeId id, bool together) = 0;
  /// Seconds to bring a value of so many bytes from one layout into another.
  virtual double copying(double bytes) = 0;
};

struct Choice {
  Together together;   ///< one a node
  double seconds = 0;  ///< of convolutions and copies, as the costs say
};

/// The cheapest layouts. `plain`: the layouts with nothing together that needn't be, for elements and sizes.
Choice choose_layouts(const Graph& graph, const ValueLayouts& plain, Costs& costs);

/// What these layouts take.
double seconds_of(const Graph& graph, const ValueLayouts& plain, const Together& together, Costs& costs);

}  // namespace ganvas::engine
