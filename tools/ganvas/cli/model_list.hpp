#pragma once

#include "commands/options/model.hpp"

namespace ganvas::cli {

/// `model list`: from the headers of the model files where these tell all, else (and for --json) by the library, which
/// builds the networks.
int list_models(const ModelListRequest& request);

}  // namespace ganvas::cli
