// HEIC and AVIF (ISO/IEC 23008-12) by libheif, which turns and crops as the file says.
#include <libheif/heif.h>

#include <memory>

#include "imaging/codecs.hpp"
#include "imaging/hush.hpp"

namespace ganvas::heif_plugin {
namespace {

using namespace codecs;

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* owned) const {
    release(owned);
  }
};
using Context = std::unique_ptr<heif_context, Release<heif_context_free>>;
using Handle = std::unique_ptr<heif_image_handle, Release<heif_image_handle_release>>;
using Picture = std::unique_ptr<heif_image, Release<heif_image_release>>;

void require(const heif_error& error) {
  if (error.code == heif_error_Ok) return;
  if (error.code == heif_error_Memory_allocation_error && error.subcode != heif_suberror_Security_limit_exceeded)
    throw std::bad_alloc();
  std::string text = error.message ? error.message : "";
  std::replace(text.begin(), text.end(), '\n', ' ');
  reject(fmt::format("can't be decoded ({}); get an intact copy of the file, or convert it to PNG", text));
}

/// By its major brand. A film's is "avis", "msf1", "hevc" or "isom".
bool sniff(View head) {
  if (!marked(head, 4, "ftyp")) return false;
  for (const char* brand : {"heic", "heix", "heim", "heis", "mif1", "avif", "avis", "hevc", "hevx", "msf1"})
    if (marked(head, 8, brand)) return true;
  return false;
}

bool is_film(View bytes) {
  for (const char* brand : {"avis", "hevc", "hevx", "msf1"})
    if (marked(bytes, 8, brand)) return true;
  return false;
}

struct Opened {
  Context context;
  Handle handle;
  bool several = false;
};

Opened open(View bytes) {
  Opened opened{Context(heif_context_alloc()), nullptr};
  if (!opened.context) throw std::bad_alloc();
  require(heif_context_read_from_memory_without_copy(opened.context.get(), bytes.data(), bytes.size(), nullptr));
  heif_image_handle* handle = nullptr;
  require(heif_context_get_primary_image_handle(opened.context.get(), &handle));
  opened.handle.reset(handle);
  opened.several = is_film(bytes) || heif_context_get_number_of_top_level_images(opened.context.get()) > 1;
  return opened;
}

Facts inspect(View bytes) {
  const Hush hush;
  if (is_film(bytes)) reject_several();
  const Opened opened = open(bytes);
  Facts facts{heif_image_handle_get_width(opened.handle.get()), heif_image_handle_get_height(opened.handle.get())};
  facts.several = opened.several;
  return facts;
}

Bytes block_of(const heif_image_handle* handle, heif_item_id id) {
  Bytes block(heif_image_handle_get_metadata_size(handle, id));
  if (!block.empty()) require(heif_image_handle_get_metadata(handle, id, block.data()));
  return block;
}

Metadata read_blocks(const heif_image_handle* handle) {
  Metadata metadata;
  std::vector<heif_item_id> ids(heif_image_handle_get_number_of_metadata_blocks(handle, nullptr));
  ids.resize(
      heif_image_handle_get_list_of_metadata_block_IDs(handle, nullptr, ids.data(), static_cast<int>(ids.size())));
  for (const heif_item_id id : ids) {
    const std::string type = heif_image_handle_get_metadata_type(handle, id);
    const char* content = heif_image_handle_get_metadata_content_type(handle, id);
    const Bytes block = block_of(handle, id);
    if (type == "Exif" && block.size() > 4) {
      // Four bytes say how far behind them the TIFF structure begins.
      const std::size_t begin = std::size_t{4} + big_endian(block, 0, 4);
      if (begin < block.size()) metadata.exif.assign(block.begin() + static_cast<std::ptrdiff_t>(begin), block.end());
      else metadata.dropped.emplace_back("EXIF is damaged");
    }
    if (type == "mime" && content && std::string_view(content) == "application/rdf+xml")
      metadata.xmp.assign(block.begin(), block.end());
  }
  return metadata;
}

/// A profile, or the numbers of ITU-T H.273, which PNG's cICP chunk has too.
void read_colours(const heif_image_handle* handle, Metadata& metadata) {
  metadata.icc.resize(heif_image_handle_get_raw_color_profile_size(handle));
  if (!metadata.icc.empty()) return require(heif_image_handle_get_raw_color_profile(handle, metadata.icc.data()));
  heif_color_profile_nclx* numbers = nullptr;
  if (heif_image_handle_get_nclx_color_profile(handle, &numbers).code != heif_error_Ok) return;
  const auto primaries = static_cast<std::uint8_t>(numbers->color_primaries);
  const auto transfer = static_cast<std::uint8_t>(numbers->transfer_characteristics);
  heif_nclx_color_profile_free(numbers);
  constexpr std::uint8_t unspecified = 2, rgb = 0, full_range = 1;
  if (primaries != unspecified && transfer != unspecified)
    metadata.png.push_back({"cICP", {primaries, transfer, rgb, full_range}});
}

/// Samples as their file has them to those of all 16 bits, with straight alpha.
template <typename Sample>
void copy_row(const std::uint8_t* bytes, Sample* out, int width, int channels, unsigned largest, bool premultiplied) {
  const auto* in = reinterpret_cast<const Sample*>(bytes);
  constexpr unsigned full = std::numeric_limits<Sample>::max();
  for (int x = 0; x < width; ++x, in += channels, out += channels)
    for (int c = 0; c < channels; ++c) {
      std::uint64_t value = std::min<unsigned>(in[c], largest);
      const unsigned alpha = std::min<unsigned>(in[channels - 1], largest);
      if (premultiplied && c < 3 && alpha > 0)
        value = std::min<std::uint64_t>(largest, (value * largest + alpha / 2) / alpha);
      out[c] = static_cast<Sample>((value * full + largest / 2) / largest);
    }
}

Picture decoded(const Opened& opened, heif_chroma chroma) {
  const std::unique_ptr<heif_decoding_options, Release<heif_decoding_options_free>> options(
      heif_decoding_options_alloc());
  heif_image* picture = nullptr;
  require(heif_decode_image(opened.handle.get(), &picture, heif_colorspace_RGB, chroma, options.get()));
  return Picture(picture);
}

Image decode(View bytes, Decoding& decoding) {
  const Hush hush;
  const Opened opened = open(bytes);
  const heif_image_handle* handle = opened.handle.get();
  const bool alpha = heif_image_handle_has_alpha_channel(handle);
  const bool premultiplied = alpha && heif_image_handle_is_premultiplied_alpha(handle);
  const bool deep = heif_image_handle_get_luma_bits_per_pixel(handle) > 8;
  constexpr bool little = std::endian::native == std::endian::little;
  const heif_chroma deep_chroma =
      alpha ? (little ? heif_chroma_interleaved_RRGGBBAA_LE : heif_chroma_interleaved_RRGGBBAA_BE)
            : (little ? heif_chroma_interleaved_RRGGBB_LE : heif_chroma_interleaved_RRGGBB_BE);
  const Picture picture = decoded(opened, deep    ? deep_chroma
                                          : alpha ? heif_chroma_interleaved_RGBA
                                                  : heif_chroma_interleaved_RGB);
  int stride = 0;
  const std::uint8_t* pixels = heif_image_get_plane_readonly(picture.get(), heif_channel_interleaved, &stride);
  const int width = heif_image_get_width(picture.get(), heif_channel_interleaved);
  const int height = heif_image_get_height(picture.get(), heif_channel_interleaved);
  const int bits = heif_image_get_bits_per_pixel_range(picture.get(), heif_channel_interleaved);
  if (!pixels || width != heif_image_handle_get_width(handle) || height != heif_image_handle_get_height(handle) ||
      bits < 1 || bits > (deep ? 16 : 8))
    reject_damaged();
  const unsigned largest = (1U << bits) - 1;
  Image image(width, height, alpha ? 4 : 3, deep ? Depth::u16 : Depth::u8);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = pixels + static_cast<std::ptrdiff_t>(stride) * y;
    if (deep) copy_row(row, image.pixels.ptr<std::uint16_t>(y), width, image.channels(), largest, premultiplied);
    else copy_row(row, image.pixels.ptr<std::uint8_t>(y), width, image.channels(), largest, premultiplied);
  }
  decoding.metadata = read_blocks(handle);
  read_colours(handle, *decoding.metadata);
  return image;
}

}  // namespace

Codec plugin() { return {Format::heif, sniff, inspect, decode, nullptr, {}}; }

}  // namespace ganvas::heif_plugin
