#pragma once

#include <string>
#include <vector>

#include "ganvas/infer/stylizer.hpp"

namespace ganvas::cli {

/// The style network of these files (or of all files of a folder), or a network that has learnt one style. Throws
/// Error(model), and Error(usage) for several files that belong to none.
Stylizer load_stylizer(const std::vector<std::string>& models, const StylizeOptions& options, bool trust);

}  // namespace ganvas::cli
