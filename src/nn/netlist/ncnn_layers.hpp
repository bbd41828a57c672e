#pragma once

#include "nn/netlist/ncnn_translation.hpp"

namespace ganvas::netlist {

/// What one type of layer becomes.
using NcnnFunction = void (*)(NcnnTranslation&, const NcnnLayer&);
/// nullptr for an unknown type.
NcnnFunction find_ncnn_layer(const std::string& type);

}  // namespace ganvas::netlist
