#pragma once

#include <string_view>

namespace ganvas {

/// The picture format behind a name or file extension with or without a dot ("JPG", ".jpeg", "tif", "pgm"): png, jpeg,
/// webp, tiff, bmp or pnm; empty when unknown. Apart from codec.hpp, since it needs no OpenCV.
std::string_view format_name(std::string_view name);

}  // namespace ganvas
