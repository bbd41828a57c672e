#pragma once

#include "engine/graph/geometry.hpp"
#include "engine/kernels/patch.hpp"

namespace ganvas::engine {

/// How features are sampled (ganvas/nn/traced_operators.hpp).
struct Sampling {
  int factor = 1, groups = 1;
  bool added = false;  ///< the groups
};

/// Samples `features`, a picture of this size or a part of it, at the places that `offsets` say, for the pixels of
/// `out`. Returns how many places around a pixel's own were wanted at most; where `features` haven't got all of them
/// the result means nothing.
int sample(const Sampling& kind, Size size, const Patch& features, const Patch& offsets, const Patch& out);

}  // namespace ganvas::engine
