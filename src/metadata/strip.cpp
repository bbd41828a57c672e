#include "ganvas/metadata/strip.hpp"

#include <utility>

#include "metadata/containers.hpp"
#include "metadata/editor.hpp"

namespace ganvas {

void strip(Metadata& metadata, Strip what) {
  Metadata kept;
  switch (what) {
    case Strip::nothing:
      return;
    case Strip::gps:
      metadata::erase_position(metadata.exif, metadata.xmp);
      return;
    case Strip::all:
      break;
    case Strip::all_but_colours:
      kept.icc = std::move(metadata.icc);
      for (PngChunk& chunk : metadata.png)
        if (metadata::png_keyword(chunk).empty()) kept.png.push_back(std::move(chunk));
      break;
  }
  metadata = std::move(kept);
}

}  // namespace ganvas
