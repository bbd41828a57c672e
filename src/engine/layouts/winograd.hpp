#pragma once

#include "engine/graph/graph.hpp"

namespace ganvas::engine {

/// One kernel of 3x3 for all channels, every pixel after the other: what Winograd's methods are for.
bool is_plain_3x3(const AnyConvolution& conv);

/// Whether F(4x4, 3x3) (Lavin and Gray 2016) is worth asking for in fp32: a quarter of the multiplications, for
/// transforms that pay from 32 channels on. Measured with oneDNN 2.6 on AVX-512 with 64 channels at 256x256: 2.5 times
/// as fast as products alone, but the activation is a pass of its own, which a cheap one allows. `in`, `out`: channels
/// with what fills up their blocks; oneDNN has it for blocks of 16.
bool suits_winograd(const AnyConvolution& conv, int in, int out, int block);

}  // namespace ganvas::engine
