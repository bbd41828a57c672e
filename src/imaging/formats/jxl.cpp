// JPEG XL (ISO/IEC 18181) by libjxl, which turns the picture as the file says; stills only.
#include <jxl/decode.h>

#include <memory>

#include "imaging/codecs.hpp"
#include "imaging/hush.hpp"

namespace ganvas::jxl_plugin {
namespace {

using namespace codecs;
using namespace std::string_view_literals;

struct Release {
  void operator()(JxlDecoder* decoder) const { JxlDecoderDestroy(decoder); }
};
using Decoder = std::unique_ptr<JxlDecoder, Release>;

void require(JxlDecoderStatus status) {
  if (status != JXL_DEC_SUCCESS) reject_damaged();
}

Decoder open(View bytes, int events) {
  Decoder decoder(JxlDecoderCreate(nullptr));
  if (!decoder) throw std::bad_alloc();
  require(JxlDecoderSubscribeEvents(decoder.get(), events));
  require(JxlDecoderSetUnpremultiplyAlpha(decoder.get(), JXL_TRUE));
  require(JxlDecoderSetInput(decoder.get(), bytes.data(), bytes.size()));
  return decoder;
}

/// A codestream by itself, or in boxes.
bool sniff(View head) { return marked(head, 0, "\xff\x0a"sv) || marked(head, 0, "\0\0\0\x0cJXL \x0d\x0a\x87\x0a"sv); }

JxlBasicInfo info_of(const Decoder& decoder) {
  JxlBasicInfo info;
  require(JxlDecoderGetBasicInfo(decoder.get(), &info));
  return info;
}

Facts inspect(View bytes) {
  const Hush hush;
  const Decoder decoder = open(bytes, JXL_DEC_BASIC_INFO);
  const JxlDecoderStatus status = JxlDecoderProcessInput(decoder.get());
  if (status == JXL_DEC_NEED_MORE_INPUT) reject_truncated();
  if (status != JXL_DEC_BASIC_INFO) reject_damaged();
  const JxlBasicInfo info = info_of(decoder);
  Facts facts{info.xsize, info.ysize};
  facts.several = info.have_animation;
  return facts;
}

Bytes profile_of(const Decoder& decoder) {
  std::size_t size = 0;
  if (JxlDecoderGetICCProfileSize(decoder.get(), nullptr, JXL_COLOR_PROFILE_TARGET_DATA, &size) != JXL_DEC_SUCCESS)
    return {};
  Bytes profile(size);
  require(JxlDecoderGetColorAsICCProfile(decoder.get(), nullptr, JXL_COLOR_PROFILE_TARGET_DATA, profile.data(), size));
  return profile;
}

/// The boxes that hold EXIF and XMP; others are passed over.
class Boxes {
 public:
  explicit Boxes(JxlDecoder* decoder) : decoder_(decoder) {
    // Without Brotli in the library compressed boxes stay as they are, under another name.
    (void)JxlDecoderSetDecompressBoxes(decoder, JXL_TRUE);
  }
  void begin() {
    end();
    JxlBoxType type;
    require(JxlDecoderGetBoxType(decoder_, type, JXL_TRUE));
    type_.assign(type, sizeof type);
    if (type_ != "Exif" && type_ != "xml ") return;
    open_ = true;
    content_.resize(1 << 12);
    require(JxlDecoderSetBoxBuffer(decoder_, content_.data(), content_.size()));
  }
  void grow() {
    const std::size_t used = content_.size() - JxlDecoderReleaseBoxBuffer(decoder_);
    if (content_.size() > std::size_t{1} << 26) reject("has a box of metadata without measure, and is damaged");
    content_.resize(content_.size() * 2);
    require(JxlDecoderSetBoxBuffer(decoder_, content_.data() + used, content_.size() - used));
  }
  void end() {
    if (!open_) return;
    open_ = false;
    content_.resize(content_.size() - JxlDecoderReleaseBoxBuffer(decoder_));
    if (type_ == "xml ") metadata.xmp.assign(content_.begin(), content_.end());
    if (type_ != "Exif" || content_.size() <= 4) return;
    // Four bytes say how far behind them the TIFF structure begins.
    const std::size_t begin = std::size_t{4} + big_endian(content_, 0, 4);
    if (begin < content_.size())
      metadata.exif.assign(content_.begin() + static_cast<std::ptrdiff_t>(begin), content_.end());
    else metadata.dropped.emplace_back("EXIF is damaged");
  }
  Metadata metadata;

 private:
  JxlDecoder* decoder_;
  std::string type_;
  Bytes content_;
  bool open_ = false;
};

Image decode(View bytes, Decoding& decoding) {
  const Hush hush;
  const Decoder decoder = open(bytes, JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE | JXL_DEC_BOX);
  Boxes boxes(decoder.get());
  Bytes profile;
  Image image;
  JxlPixelFormat format{0, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  bool whole = false;
  for (JxlDecoderStatus status; (status = JxlDecoderProcessInput(decoder.get())) != JXL_DEC_SUCCESS;) {
    if (status == JXL_DEC_BASIC_INFO) {
      const JxlBasicInfo info = info_of(decoder);
      const bool deep = info.bits_per_sample > 8 || info.exponent_bits_per_sample > 0;
      format.num_channels = info.num_color_channels + (info.alpha_bits > 0 ? 1 : 0);
      format.data_type = deep ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8;
      image = Image(static_cast<int>(info.xsize), static_cast<int>(info.ysize), static_cast<int>(format.num_channels),
                    deep ? Depth::u16 : Depth::u8);
    } else if (status == JXL_DEC_COLOR_ENCODING) {
      profile = profile_of(decoder);
    } else if (status == JXL_DEC_NEED_IMAGE_OUT_BUFFER) {
      std::size_t size = 0;
      require(JxlDecoderImageOutBufferSize(decoder.get(), &format, &size));
      if (size != image.pixels.total() * image.pixels.elemSize()) reject_damaged();
      require(JxlDecoderSetImageOutBuffer(decoder.get(), &format, image.pixels.data, size));
    } else if (status == JXL_DEC_FULL_IMAGE) {
      whole = true;
    } else if (status == JXL_DEC_BOX) {
      boxes.begin();
    } else if (status == JXL_DEC_BOX_NEED_MORE_OUTPUT) {
      boxes.grow();
    } else {
      if (status != JXL_DEC_NEED_MORE_INPUT) reject_damaged();
      if (!whole) reject_truncated();
      break;  // other boxes might come
    }
  }
  if (!whole) reject_truncated();
  boxes.end();
  decoding.metadata = std::move(boxes.metadata);
  decoding.metadata->icc = std::move(profile);
  return image;
}

}  // namespace

Codec plugin() { return {Format::jxl, sniff, inspect, decode, nullptr, {}}; }

}  // namespace ganvas::jxl_plugin
