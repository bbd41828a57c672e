#pragma once

#include "commands/options/batch.hpp"
#include "ganvas/infer/batch.hpp"

namespace ganvas::cli {

BatchOptions batch_options(const BatchRequest& request);

}  // namespace ganvas::cli
