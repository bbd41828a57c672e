// Built instead of metadata_exiv2.cpp when GANVAS_WITH_EXIV2 is off: pictures lose their metadata.
#include "ganvas/metadata/metadata.hpp"

namespace ganvas {

bool metadata_supported() noexcept { return false; }

Metadata read_metadata(std::span<const std::uint8_t>) { return {}; }

void reset_orientation(Metadata& metadata) { metadata.orientation = 1; }

void scale_geography(Metadata&, double, double) {}

std::vector<std::uint8_t> embed_metadata(std::vector<std::uint8_t> encoded, const Metadata&) { return encoded; }

}  // namespace ganvas
