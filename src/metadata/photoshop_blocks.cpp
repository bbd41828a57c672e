// Photoshop's resource blocks (Adobe Photoshop File Formats Specification, "Image Resource Blocks"): of them only IPTC
// outlives the picture; the rest are thumbnails, print settings and digests of the small picture.
#include "metadata/containers.hpp"

namespace ganvas::metadata {

View photoshop_block(View resources, int number) {
  for (std::uint64_t at = 0; marked(resources, at, "8BIM");) {
    const std::uint64_t name = at + 6, name_length = big_endian(resources, name, 1);
    const std::uint64_t size_at = name + (name_length + 2) / 2 * 2;
    const std::uint64_t size = big_endian(resources, size_at, 4);
    const View data = part(resources, size_at + 4, size);
    if (data.size() != size) return {};
    if (big_endian(resources, at + 4, 2) == static_cast<std::uint64_t>(number)) return data;
    at = size_at + 4 + (size + 1) / 2 * 2;
  }
  return {};
}

Bytes photoshop_iptc(View iptc) {
  Bytes out;
  append(out, "8BIM");
  append_big_endian(out, 0x0404, 2);
  append_big_endian(out, 0, 2);  // no name
  append_big_endian(out, iptc.size(), 4);
  append(out, iptc);
  if (iptc.size() % 2) out.push_back(0);
  return out;
}

}  // namespace ganvas::metadata
