// TIFF in, through libtiff: strips and tiles, contiguous and planar, 8 and 16 bit integers and 32 bit floats as they
// are; everything unusual (palettes, CMYK, YCbCr, 1 to 4 bits) by libtiff's own conversion to 8 bit RGBA.
#include <opencv2/core.hpp>

#include <cstring>

#include "imaging/tiff_memory.hpp"

namespace ganvas::codecs {
namespace {

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
  int color_channels() const { return gray() ? 1 : 3; }
  /// Colours and the first extra sample, which is taken for alpha; further ones are no part of a picture. But several
  /// that aren't said to be alpha are a sensor's bands.
  int channels() const { return bands ? samples : std::min(samples, color_channels() + 1); }
  bool direct() const {
    const bool known = gray() || photometric == PHOTOMETRIC_RGB;
    return known && samples >= color_channels() && (floating ? bits == 32 : bits == 8 || bits == 16);
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

void read_blocks(TIFF* tiff, const Layout& layout, Image& image) {
  const bool tiled = TIFFIsTiled(tiff);
  int block_width = layout.width, block_height = 0;
  if (tiled) block_width = static_cast<int>(field<std::uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0));
  block_height = static_cast<int>(std::min<std::uint32_t>(
      field<std::uint32_t>(tiff, tiled ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, layout.height), 1U << 30));
  if (block_width < 1 || block_height < 1) reject_damaged();
  if (!tiled) block_height = std::min(block_height, layout.height);

  // Hostile headers may claim gigantic tiles.
  const int samples = layout.planar ? 1 : layout.samples;
  const std::size_t size = tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
  const std::size_t expected = std::size_t{image.pixels.elemSize1()} * block_width * block_height * samples;
  if (size < expected || size > (std::size_t{1} << 34)) reject_damaged();
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

/// Image has floats within 0..1. True: some lay well outside.
bool normalise_floats(cv::Mat& pixels) {
  cv::patchNaNs(pixels, 0);
  cv::Mat values = pixels.reshape(1);
  double least = 0, most = 0;
  cv::minMaxIdx(values, &least, &most);
  cv::min(cv::max(values, 0.0), 1.0, values);
  constexpr double slack = 1.0 / 255;  // overshoots of a sharpening filter are no news
  return least < -slack || most > 1 + slack;
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
    cv::Mat color = color_part(image).pixels;
    cv::subtract(full, color, color);
    const int pairs[] = {0, 0};
    cv::mixChannels(&color, 1, &pixels, 1, pairs, 1);
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
  image = color_part(image);
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

}  // namespace

Facts inspect_tiff(View bytes) {
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

Image decode_tiff(View bytes, bool& clipped) {
  TiffMemory memory(bytes);
  TIFF* tiff = memory.open("r");
  if (!tiff) reject_damaged();
  const Layout layout(tiff);
  if (!layout.direct()) return read_by_conversion(tiff, layout);
  if (layout.channels() > most_channels)
    reject(fmt::format("has {} bands; at most {} are supported", layout.samples, most_channels));
  Image image(layout.width, layout.height, layout.channels(), layout.depth());
  read_blocks(tiff, layout, image);
  clipped = image.depth() == Depth::f32 && normalise_floats(image.pixels);
  normalise(layout, image);
  return image;
}

}  // namespace ganvas::codecs
