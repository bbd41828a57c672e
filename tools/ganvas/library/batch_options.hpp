#pragma once

#include "ganvas/infer/batch.hpp"
#include "requests/batch.hpp"

namespace ganvas::cli {

BatchOptions batch_options(const BatchRequest& request);

}  // namespace ganvas::cli
