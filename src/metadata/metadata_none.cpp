// Built instead of metadata_exiv2.cpp when GANVAS_WITH_EXIV2 is off: EXIF and XMP are dropped.
#include "metadata/editor.hpp"

namespace ganvas {

namespace metadata {

CleanExif clean_exif(View) { return {}; }

void clean_xmp(std::string& packet, const std::string&, std::vector<std::string>&) { packet.clear(); }

void fit_exif(Bytes&, const Result&) {}

void fit_xmp(std::string&, const Result&) {}

void erase_position(Bytes&, std::string&) {}

void erase_properties(std::string&, const std::string&) {}

std::string move_into_extension(std::string&, std::size_t) { return {}; }

}  // namespace metadata

bool metadata_supported() noexcept { return false; }

void reset_orientation(Metadata& metadata) { metadata.orientation = 1; }

void scale_metadata(Metadata&, double, double) {}

}  // namespace ganvas
