#pragma once

#include <cstdint>
#include <vector>

#include "engine/regions/demand.hpp"

/// In which walks over the picture ("passes") a network is computed, and what is kept between them.
namespace ganvas::engine {

/// What is to be planned.
struct Problem {
  const Graph& graph;
  PerNode<Size> sizes;    ///< of all results
  Size delivered;         ///< the part of the output that is wanted, from its upper left corner
  double keep_bytes = 0;  ///< most for kept values
  double work_bytes = 0;  ///< most for a tile
  int tile = 0;           ///< side of tiles in input pixels; 0: chosen
};

/// Rows and columns of tiles. Every plane is cut in the same proportions, whatever its resolution.
struct Grid {
  int rows = 1, columns = 1;
};

/// One walk over the picture.
struct Pass {
  std::vector<NodeId> measured;   ///< norms and means whose input's statistics are taken
  std::vector<NodeId> written;    ///< nodes that are kept from now on
  bool delivers = false;          ///< gives the output
  std::vector<NodeId> read;       ///< kept nodes that it needs
  std::vector<NodeId> last_read;  ///< those that nobody needs later
  PerNode<bool> known;            ///< kept by an earlier pass
  Grid grid;
  double cost = 0;           ///< in multiply-adds, memory traffic included
  double multiply_adds = 0;  ///< of convolutions
  double work_bytes = 0;     ///< one tile's features
};

struct Schedule {
  std::vector<Pass> passes;
  bool half = false;      ///< kept values take two bytes, not four
  double cost = 0;        ///< of all passes
  double kept_bytes = 0;  ///< a bound for what is kept at any moment
  int fullest = 0;        ///< the pass in which that is
};

/// Targets of one tile, one a node; some may be empty.
std::vector<Target> targets_of(const Problem& problem, const Pass& pass, int row, int column);

/// Computes with these nodes kept.
Schedule schedule_with(const Problem& problem, const PerNode<bool>& keep, bool half);

/// Chooses what is kept: as much as helps within the budget, and of that the small values first.
Schedule choose_schedule(const Problem& problem, bool half);

/// Bytes of a kept value.
double kept_bytes_of(const Problem& problem, NodeId node, bool half);

}  // namespace ganvas::engine
