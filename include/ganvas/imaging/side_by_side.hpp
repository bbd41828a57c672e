#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Two pictures of one size as one of twice the width, as training sets of pairs keep them. Gray beside RGB becomes
/// RGB; of two depths the smaller is taken (u8 < u16 < f32); alpha is flattened over white. Throws Error(data) that
/// names both sizes where they differ.
Image side_by_side(const Image& left, const Image& right);

}  // namespace ganvas
