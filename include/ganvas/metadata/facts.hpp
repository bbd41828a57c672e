#pragma once

#include <map>
#include <string>

#include "ganvas/metadata/metadata.hpp"

namespace ganvas {

inline constexpr const char* facts_namespace = "https://ns.ganvas.org/1.0/";

/// Records how a picture was made: adds these names (letters, digits, underscores) and values as XMP properties of the
/// namespace "ganvas" (https://ns.ganvas.org/1.0/), keeping what the packet already says.
void add_facts(Metadata& metadata, const std::map<std::string, std::string>& facts);

}  // namespace ganvas
