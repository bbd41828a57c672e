#pragma once

#include "ganvas/metadata/metadata.hpp"
#include "ganvas/metadata/options.hpp"

namespace ganvas {

void strip(Metadata& metadata, Strip what);

}  // namespace ganvas
