#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// How far a lattice of `period` pixels (2 to 32) lies over a picture, as upsamplers leave it (Odena, Dumoulin and Olah
/// 2016): the power of luma at a frequency 1/period or a multiple of it, over that of the frequencies beside it, for
/// the frequency and direction where it is largest. 1: none; photographs have up to some 1.2, those that were JPEGs
/// more where the period is a divisor of 8. Welch's periodogram (1967) along rows and columns, with 16 periods a
/// segment; 1 too for pictures smaller than that.
double lattice_index(const Image& picture, int period = 4);

}  // namespace ganvas
