#pragma once

#include "ganvas/metadata/metadata.hpp"

namespace ganvas {

/// For formats that know profiles only: what PNG's chunks say of the colours (cICP, else gAMA and cHRM, as the W3C's
/// PNG specification ranks them) becomes an ICC profile (ICC.1:2001, matrix and curves) where there is none, and the
/// chunks go; beside a profile they say nothing. What says sRGB needs no profile; transfer functions of HDR (PQ, HLG)
/// have none, and their chunks stay.
void turn_colours_into_profile(Metadata& metadata, bool gray);

}  // namespace ganvas
