#include "ganvas/imaging/picture_stream.hpp"

#include "imaging/codecs.hpp"

namespace ganvas {

using codecs::View;

bool is_streamable(Format format) { return codecs::codec_of(format).end != nullptr; }

std::optional<std::size_t> picture_end(View bytes) {
  if (bytes.size() < 32) return std::nullopt;
  const auto format = sniff_format(bytes);
  if (!format || !is_streamable(*format)) return SIZE_MAX;
  try {
    const std::size_t end = codecs::codec_of(*format).end(bytes);
    if (end != SIZE_MAX && end > bytes.size()) return std::nullopt;
    return end;
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool holds_several_pictures(View bytes) {
  const auto end = picture_end(bytes);
  return end && *end < bytes.size() && sniff_format(bytes.subspan(*end)) == sniff_format(bytes);
}

}  // namespace ganvas
