#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "ganvas/imaging/format_name.hpp"

namespace ganvas {

/// Whether programs write pictures of this format one after another.
bool is_streamable(Format format);

/// Where the picture at the front of a stream ends, for formats that programs write one picture after another: PNM, PNG
/// and JPEG (MJPEG). Nothing: more bytes are needed to say; SIZE_MAX: at the stream's end, as every other format. What
/// stands behind a JPEG with an index of further pictures (MPF: gain maps, previews) is a part of it.
std::optional<std::size_t> picture_end(std::span<const std::uint8_t> bytes);

/// Whether another picture of these formats stands behind the first one.
bool holds_several_pictures(std::span<const std::uint8_t> bytes);

}  // namespace ganvas
