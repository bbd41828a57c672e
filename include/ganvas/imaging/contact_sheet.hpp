#pragma once

#include <vector>

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Pictures of one size, channels and depth row by row, at most `columns` in a row; places without a picture (an empty
/// one, or the end of the last row) are white. There must be one picture at least.
Image contact_sheet(const std::vector<Image>& pictures, int columns);

}  // namespace ganvas
