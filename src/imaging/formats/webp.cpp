#include <webp/decode.h>
#include <webp/encode.h>

#include "imaging/codecs.hpp"

namespace ganvas::webp_plugin {
namespace {

using namespace codecs;

bool sniff(View head) { return marked(head, 0, "RIFF") && marked(head, 8, "WEBP"); }

Facts inspect(View bytes) {
  Facts facts;
  const std::size_t riff = little_endian(bytes, 4, 4);
  if (riff > bytes.size() - 8) reject_truncated();
  bytes = bytes.first(riff + 8);  // what some programs append is no part of the picture
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::size_t length = little_endian(bytes, at + 4, 4), data = at + 8;
    if (length > bytes.size() - data) reject_truncated();
    if (marked(bytes, at, "ANIM") || marked(bytes, at, "ANMF")) facts.several = true;
    if (marked(bytes, at, "EXIF")) facts.orientation = exif_orientation(bytes.subspan(data, length));
    if (marked(bytes, at, "VP8X")) {
      facts.width = little_endian(bytes, data + 4, 3) + 1;
      facts.height = little_endian(bytes, data + 7, 3) + 1;
    }
    if (facts.width == 0 && marked(bytes, at, "VP8 ")) {
      facts.width = little_endian(bytes, data + 6, 2) & 0x3fff;
      facts.height = little_endian(bytes, data + 8, 2) & 0x3fff;
    }
    if (facts.width == 0 && marked(bytes, at, "VP8L")) {
      const std::uint32_t sizes = little_endian(bytes, data + 1, 4);
      facts.width = (sizes & 0x3fff) + 1;
      facts.height = (sizes >> 14 & 0x3fff) + 1;
    }
    at = data + length + (length & 1);
  }
  return facts;
}

Image decode(View bytes, Decoding&) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK) reject_damaged();
  Image image(features.width, features.height, features.has_alpha ? 4 : 3, Depth::u8);
  const auto decode = features.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  const std::size_t stride = image.pixels.step[0];
  if (!decode(bytes.data(), bytes.size(), image.pixels.data, stride * image.height(), static_cast<int>(stride)))
    reject("is truncated or damaged; get an intact copy of the file");
  return image;
}

Bytes encode(const Image& image, const EncodeOptions& options) {
  const int quality = options.quality;
  WebPConfig config;
  WebPPicture picture;
  if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
    fail(ErrorKind::internal, "libwebp is of another version");
  config.quality = static_cast<float>(std::clamp(quality, 1, 100));
  config.thread_level = 1;
  if (quality >= 100) {
    WebPConfigLosslessPreset(&config, 3);
    config.exact = 1;  // colours under transparency are samples too
  }
  picture.use_argb = config.lossless;
  picture.width = image.width();
  picture.height = image.height();

  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  struct Guard {
    WebPPicture& picture;
    WebPMemoryWriter& writer;
    ~Guard() {
      WebPPictureFree(&picture);
      WebPMemoryWriterClear(&writer);
    }
  } guard{picture, writer};
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  const auto import = image.has_alpha() ? WebPPictureImportRGBA : WebPPictureImportRGB;
  if (!import(&picture, image.pixels.data, static_cast<int>(image.pixels.step[0])) || !WebPEncode(&config, &picture)) {
    if (picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
    fail(ErrorKind::internal, "the WebP writer failed (code {})", static_cast<int>(picture.error_code));
  }
  return Bytes(writer.mem, writer.mem + writer.size);
}

}  // namespace

Codec plugin() {
  return {Format::webp, sniff,  inspect,
          decode,       encode, {.gray = false, .alpha = true, .metadata = true, .longest_side = WEBP_MAX_DIMENSION}};
}

}  // namespace ganvas::webp_plugin
