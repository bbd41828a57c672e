#pragma once

#include <filesystem>
#include <opencv2/core/types.hpp>

#include "ganvas/imaging/codec.hpp"

namespace ganvas {

/// Width and height as the picture is seen, with its EXIF orientation applied.
cv::Size upright_size(const ImageHeader& header);
/// Whether an output is there, whole, and of the right size.
bool is_finished(const std::filesystem::path& output, cv::Size expected);

}  // namespace ganvas
