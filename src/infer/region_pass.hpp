#pragma once

#include <functional>

#include "ganvas/engine/region_runner.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/nn/generator.hpp"

namespace ganvas {

/// A picture with the network's channels through the network, in tiles with the statistics of the whole picture. Throws
/// what RegionRunner::run() throws, Error(model) for values that are no numbers.
Image run_in_regions(RegionRunner& runner, const GeneratorInfo& info, const Image& image, const RegionOptions& options,
                     const std::function<void(double)>& progress);

}  // namespace ganvas
