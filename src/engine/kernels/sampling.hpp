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
/// `out`. Returns how far from a pixel's own place (in places) the farthest lies that was wanted and that `features`
/// haven't got, so that the pixel means nothing; 0: they have all. Places that are no numbers give none, so that a
/// network's overflow is noticed.
int sample(const Sampling& kind, Size size, const Patch& features, const Patch& offsets, const Patch& out);

}  // namespace ganvas::engine
