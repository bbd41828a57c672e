// Films through a pipe: the first line, and frames as far as they go.
#include "fuzz/fuzz.hpp"
#include "ganvas/imaging/y4m.hpp"

using namespace ganvas;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int most_pixels = 1 << 16;
  fuzz::try_reading([&] {
    std::span<const std::uint8_t> bytes(data, size);
    const auto stream = read_y4m_header(bytes);
    if (!stream || static_cast<std::int64_t>(stream->width) * stream->height > most_pixels) return;
    bytes = bytes.subspan(stream->header_size);
    while (!bytes.empty()) {
      const auto place = y4m_frame_place(*stream, bytes);
      if (!place) return;
      const Image frame = y4m_picture(*stream, bytes.subspan(place->first, place->second - place->first));
      if (frame.width() != stream->width || frame.height() != stream->height)
        fuzz::finding("a frame of another size than its film");
      bytes = bytes.subspan(place->second);
    }
  });
  return 0;
}
