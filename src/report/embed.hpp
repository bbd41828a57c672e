#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "ganvas/core/files.hpp"
#include "ganvas/imaging/image.hpp"

namespace ganvas {

std::string base64(std::span<const std::uint8_t> bytes);

/// At most `side` pixels of width and height out of the middle, in the picture's own resolution: what distinguishes
/// results doesn't survive shrinking.
Image middle_of(const Image& image, int side);

/// WebP of at most `max_bytes`, with the best quality that allows it; a picture that is still too large at low quality
/// (noise) is halved.
Bytes encode_within(const Image& image, std::size_t max_bytes);

/// "data:image/webp;base64,..." of encode_within.
std::string data_uri(const Image& image, std::size_t max_bytes);

}  // namespace ganvas
