#pragma once

#include "ganvas/nn/registry.hpp"
#include "nn/netlist/network.hpp"

namespace ganvas::netlist {

/// What a file says besides its graph.
struct GraphFile {
  std::string name;       ///< for messages
  std::string container;  ///< "ncnn"
  bool repeated_edge = false;
  std::map<std::string, std::string> metadata = {};
};

/// The list as a network, tried out (explore.hpp); as one of a known architecture where it is one.
LoadedGenerator explored_network(Netlist list, const GraphFile& file);

struct Known {
  GeneratorPtr network;  ///< nullptr: none
  bool clamps = false;   ///< it keeps its result within [0, 1], and the graph doesn't
};

/// A network of a known architecture that gives what `network` gives.
Known known_network(const Netlist& list, Network& network, bool repeated_edge);

}  // namespace ganvas::netlist
