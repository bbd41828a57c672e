// TIFF in, through libtiff: strips and tiles, contiguous and planar, 8 and 16 bit integers and 32 bit floats as they
// are; everything unusual (palettes, CMYK, YCbCr, 1 to 4 bits) by libtiff's own conversion to 8 bit RGBA.
#include <opencv2/core.hpp>

#include <cstring>

#include "imaging/tiff_memory.hpp"

namespace ganvas::tiff_plugin {
namespace {

using namespace codecs;
using namespace std::string_view_literals;

bool sniff(View head) {
  const auto marks = {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv};
  return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) { return marked(head, 0, mark); });
}

template <typename T>
T field(TIFF* tiff, std::uint32_t tag, T fallback) {
  T value = fallback;
  return TIFFGetFieldDefaulted(tiff, tag, &value) ? value : fallback;
}

struct Layout {
  int width, height, samples, bits, photometric;
  bool planar, associated_alpha, floating;
  bool bands = false;  ///< all samples are channels

  explicit Layout(TIFF* tiff)
      : width(static_cast<int>(field<std::uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0))),
        height(static_cast<int>(field<std::uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0))),
        samples(field<std::uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1)),
        bits(field<std::uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1)),
        photometric(field<std::uint16_t>(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE)),
        planar(field<std::uint16_t>(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE),
        associated_alpha(false),
        floating(false) {
    const auto kind = field<std::uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
    if (kind != SAMPLEFORMAT_UINT && kind != SAMPLEFORMAT_IEEEFP && kind != SAMPLEFORMAT_VOID)
      reject("has signed or complex samples, which are not supported; convert it to unsigned ones or to 32 bit float");
    floating = kind == SAMPLEFORMAT_IEEEFP;
    std::uint16_t count = 0, *kinds = nullptr;
    const bool said = TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) && count > 0;
    associated_alpha = said && kinds[0] == EXTRASAMPLE_ASSOCALPHA;
    const bool alpha = said && kinds[0] != EXTRASAMPLE_UNSPECIFIED;
    bands = !alpha && samples > (gray() ? 2 : 4);
  }
  bool gray() const { return photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE; }
  int colour_channels() const { return gray() ? 1 : 3; }
  /// Colours and the first extra sample, which is taken for alpha; further ones are no part of a picture. But several
  /// that aren't said to be alpha are a sensor's bands.
  int channels() const { return bands ? samples : std::min(samples, colour_channels() + 1); }
  bool direct() const {
    const bool known = gray() || photometric == PHOTOMETRIC_RGB;
    return known && samples >= colour_channels() && (floating ? bits == 32 : bits == 8 || bits == 16);
  }
  Depth depth() const { return floating ? Depth::f32 : bits == 16 ? Depth::u16 : Depth::u8; }
};

/// Where one strip or tile lies in the picture.
struct Block {
  std::uint32_t index;
  int x, y, width, height, first_sample, samples;
};

/// Copies a decoded block's samples to their place; what sticks out of the picture is left away.
void place_block(const std::uint8_t* data, const Block& block, Image& image) {
  const std::size_t size = image.pixels.elemSize1();
  const int width = std::min(block.width, image.width() - block.x);
  const int height = std::min(block.height, image.height() - block.y);
  const int count = std::min(block.samples, image.channels() - block.first_sample);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* in = data + static_cast<std::size_t>(y) * block.width * block.samples * size;
    std::uint8_t* out = image.pixels.ptr(block.y + y, block.x) + block.first_sample * size;
    if (block.samples == image.channels()) {
      std::memcpy(out, in, width * count * size);
      continue;
    }
    for (int x = 0; x < width; ++x, in += block.samples * size, out += image.channels() * size)
      std::memcpy(out, in, count * size);
  }
}

/// A few bytes may claim gigantic strips and tiles, for which libtiff and we would take the memory before a byte is
/// read.
void require_sane_blocks(TIFF* tiff, const Layout& layout) {
  if (layout.samples > most_channels)
    reject(fmt::format("has {} samples a pixel; at most {} are supported", layout.samples, most_channels));
  const auto bits = static_cast<std::uint64_t>(layout.bits) * layout.samples;
  const std::uint64_t picture = bits * layout.width * layout.height / 8;
  const std::uint64_t block = TIFFIsTiled(tiff) ? TIFFTileSize64(tiff) : TIFFStripSize64(tiff);
  constexpr std::uint64_t always = std::uint64_t{64} << 20;
  if (block > std::max(always, 4 * picture))
    reject(fmt::format("claims {} of {} bytes for a picture of {}x{}, and is damaged; get an intact copy of the file",
                       TIFFIsTiled(tiff) ? "tiles" : "strips", block, layout.width, layout.height));
}

void read_blocks(TIFF* tiff, const Layout& layout, Image& image) {
  const bool tiled = TIFFIsTiled(tiff);
  int block_width = layout.width, block_height = 0;
  if (tiled) block_width = static_cast<int>(field<std::uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0));
  block_height = static_cast<int>(std::min<std::uint32_t>(
      field<std::uint32_t>(tiff, tiled ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, layout.height), 1U << 30));
  if (block_width < 1 || block_height < 1) reject_damaged();
  if (!tiled) block_height = std::min(block_height, layout.height);

  const int samples = layout.planar ? 1 : layout.samples;
  const std::size_t size = tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
  const std::size_t expected = std::size_t{image.pixels.elemSize1()} * block_width * block_height * samples;
  if (size < expected) reject_damaged();
  Bytes buffer(size);
  std::uint32_t index = 0;
  for (int plane = 0; plane < (layout.planar ? image.channels() : 1); ++plane)
    for (int y = 0; y < layout.height; y += block_height)
      for (int x = 0; x < layout.width; x += block_width, ++index) {
        const Block block{index, x, y, block_width, block_height, plane, samples};
        const tmsize_t wanted = tiled ? expected : expected / block_height * std::min(block_height, layout.height - y);
        const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff, index, buffer.data(), size)
                                   : TIFFReadEncodedStrip(tiff, index, buffer.data(), wanted);
        if (got < wanted) reject("is truncated or damaged; get an intact copy of the file");
        place_block(buffer.data(), block, image);
      }
}

template <typename T>
void divide_by_alpha(cv::Mat& pixels) {
  const int channels = pixels.channels();
  const double full = max_value(Image(pixels).depth());
  for (int y = 0; y < pixels.rows; ++y) {
    T* pixel = pixels.ptr<T>(y);
    for (int x = 0; x < pixels.cols; ++x, pixel += channels) {
      const double alpha = pixel[channels - 1];
      for (int c = 0; c + 1 < channels && alpha > 0; ++c)
        pixel[c] = cv::saturate_cast<T>(std::min(pixel[c] * full / alpha, full));
    }
  }
}

/// Floats of a picture lie within 0..1. A sharpening filter's overshoots are no news, highlights of a scene are clipped
/// with a warning; what is plainly of another range is refused: clipped, nothing would be left of it.
void normalise_floats(cv::Mat& pixels, Decoding& decoding) {
  cv::patchNaNs(pixels, 0);
  cv::Mat values = pixels.reshape(1);
  double least = 0, most = 0;
  cv::minMaxIdx(values, &least, &most);
  constexpr double slack = 1.0 / 255, highlights = 0.02;
  const auto share_above = [&](double limit) {
    return cv::countNonZero(values > limit) / static_cast<double>(values.total());
  };
  if (most > 2 && share_above(2) > highlights)
    reject(fmt::format("has float samples from {:.4g} to {:.4g}, not 0..1; divide them by {:.6g} first", least, most,
                       most <= 255     ? 255
                       : most <= 65535 ? 65535
                                       : most));
  if (least < -slack || most > 1 + slack)
    decoding.warnings.push_back(fmt::format("float samples ({:.4g} to {:.4g}) outside 0..1 are clipped", least, most));
  cv::min(cv::max(values, 0.0), 1.0, values);
}

/// Image has straight alpha and plain gray.
void normalise(const Layout& layout, Image& image) {
  cv::Mat& pixels = image.pixels;
  if (layout.bands) {
    if (layout.photometric == PHOTOMETRIC_MINISWHITE) pixels.convertTo(pixels, -1, -1, max_value(image.depth()));
    return;
  }
  if (layout.photometric == PHOTOMETRIC_MINISWHITE) {
    cv::Scalar full = cv::Scalar::all(max_value(image.depth()));
    cv::Mat colour = colour_part(image).pixels;
    cv::subtract(full, colour, colour);
    const int pairs[] = {0, 0};
    cv::mixChannels(&colour, 1, &pixels, 1, pairs, 1);
  }
  if (!layout.associated_alpha || !image.has_alpha()) return;
  if (image.depth() == Depth::u8) divide_by_alpha<std::uint8_t>(pixels);
  else if (image.depth() == Depth::u16) divide_by_alpha<std::uint16_t>(pixels);
  else divide_by_alpha<float>(pixels);
}

Image read_by_conversion(TIFF* tiff, const Layout& layout) {
  char why[1024] = "";
  if (!TIFFRGBAImageOK(tiff, why) || layout.bits > 8)
    reject(fmt::format("is a TIFF of an unsupported kind ({} bits, photometric {}); convert it to 8 or 16 bit RGB",
                       layout.bits, layout.photometric));
  cv::Mat rgba(layout.height, layout.width, CV_8UC4);
  const auto orientation = field<std::uint16_t>(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  // Asking for the file's own orientation keeps libtiff from flipping: decode.cpp turns all formats alike.
  if (!TIFFReadRGBAImageOriented(tiff, layout.width, layout.height, rgba.ptr<std::uint32_t>(), orientation, 1))
    reject("is truncated or damaged; get an intact copy of the file");
  Image image(rgba);
  std::uint16_t extra = 0, *kinds = nullptr;
  const bool alpha = TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &extra, &kinds) && extra > 0;
  if (alpha) {
    divide_by_alpha<std::uint8_t>(image.pixels);
    return image;
  }
  image = colour_part(image);
  if (layout.gray()) cv::extractChannel(image.pixels.clone(), image.pixels, 0);
  return image;
}

/// DNG and Canon's CR2 say it; Nikon, Sony and others begin with a thumbnail and keep the exposure beside it.
bool is_camera_raw(TIFF* tiff, View bytes) {
  std::uint16_t count = 0;
  const void* values = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_DNGVERSION, &values) || marked(bytes, 8, "CR")) return true;
  const bool reduced = field<std::uint32_t>(tiff, TIFFTAG_SUBFILETYPE, 0) & FILETYPE_REDUCEDIMAGE;
  return reduced && TIFFGetField(tiff, TIFFTAG_SUBIFD, &count, &values) && count > 0;
}

Facts inspect(View bytes) {
  TiffMemory memory(bytes);
  TIFF* tiff = memory.open("r");
  if (!tiff) reject("is a truncated or damaged TIFF; get an intact copy of the file");
  if (is_camera_raw(tiff, bytes))
    reject("is a camera's raw file, of which only the preview is a picture; develop it first");
  Facts facts{field<std::uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0), field<std::uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0)};
  const int orientation = field<std::uint16_t>(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  facts.orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  // Thumbnails and masks beside the picture are no pages.
  while (!facts.several && TIFFReadDirectory(tiff))
    facts.several = (field<std::uint32_t>(tiff, TIFFTAG_SUBFILETYPE, 0) & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0;
  return facts;
}

Image decode(View bytes, Decoding& decoding) {
  TiffMemory memory(bytes);
  TIFF* tiff = memory.open("r");
  if (!tiff) reject_damaged();
  const Layout layout(tiff);
  require_sane_blocks(tiff, layout);
  if (!layout.direct()) return read_by_conversion(tiff, layout);
  Image image(layout.width, layout.height, layout.channels(), layout.depth());
  read_blocks(tiff, layout, image);
  if (image.depth() == Depth::f32) normalise_floats(image.pixels, decoding);
  normalise(layout, image);
  return image;
}

Bytes encode(const Image& image, const EncodeOptions&) { return encode_tiff(image); }

}  // namespace

Codec plugin() {
  return {Format::tiff, sniff,
          inspect,      decode,
          encode,       {.u16 = true, .f32 = true, .gray_alpha = true, .alpha = true, .bands = true, .metadata = true}};
}

}  // namespace ganvas::tiff_plugin
