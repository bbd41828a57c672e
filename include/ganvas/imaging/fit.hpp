#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// A picture of any shape in exactly width x height, u8: the middle of the wanted shape (what is left over at two sides
/// goes), or with `pad` all of it between gray bars.
Image fitted(const Image& image, int width, int height, bool pad = false);

}  // namespace ganvas
