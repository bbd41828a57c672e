#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ganvas/metadata/metadata.hpp"

namespace ganvas {

/// The JPEG, PNG or WebP file with the blocks put in as they are; nullopt for other formats. The file must be one that
/// our own writers made: without metadata yet. Blocks that are too large for the format are left out.
std::optional<std::vector<std::uint8_t>> insert_blocks(std::span<const std::uint8_t> encoded, const Metadata& metadata);

}  // namespace ganvas
