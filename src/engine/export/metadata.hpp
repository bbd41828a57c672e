#pragma once

#include <map>
#include <string>

#include "ganvas/nn/generator.hpp"

namespace ganvas::engine {

/// What goes along with an exported network: `given`, and what one must know to run it.
std::map<std::string, std::string> export_metadata(const Generator& network, std::map<std::string, std::string> given);

}  // namespace ganvas::engine
