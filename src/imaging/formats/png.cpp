// PNG in, through libpng: every colour type, bit depth and interlacing.
#include <png.h>

#include <bit>
#include <csetjmp>
#include <cstring>

#include "imaging/codecs.hpp"

namespace ganvas::png_plugin {
namespace {

using namespace codecs;

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  View left;
  bool truncated = false;
  char message[128] = "";

  explicit Reader(View bytes);
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

void on_error(png_structp png, png_const_charp message) {
  auto& reader = *static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader.message, message, sizeof reader.message - 1);
  std::longjmp(png_jmpbuf(png), 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep out, std::size_t count) {
  auto& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader.left.size()) {
    reader.truncated = true;
    png_error(png, "end of file");
  }
  std::memcpy(out, reader.left.data(), count);
  reader.left = reader.left.subspan(count);
}

Reader::Reader(View bytes) : left(bytes) {
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
  if (png) info = png_create_info_struct(png);
  if (!info) throw std::bad_alloc();
  png_set_read_fn(png, this, on_read);
}

/// libpng reports by longjmp, which must not pass over destructors: these stages hold none.
bool read_start(Reader& in, bool numbers) {
  if (setjmp(png_jmpbuf(in.png))) return false;
  png_set_user_limits(in.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // max_pixels has been checked already
  // What isn't pixels, metadata.hpp reads; libpng would take the memory that a chunk claims before it reads it.
  png_set_keep_unknown_chunks(in.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(in.png, in.info);
  if (numbers) png_set_packing(in.png);  // 1 2 4 bits to bytes, neither scaled nor looked up
  else png_set_expand(in.png);           // palette to RGB, 1 2 4 bits to 8, tRNS to alpha
  if constexpr (std::endian::native == std::endian::little) png_set_swap(in.png);
  png_set_interlace_handling(in.png);
  png_read_update_info(in.png, in.info);
  return true;
}

bool read_rows(Reader& in, png_bytepp rows) {
  if (setjmp(png_jmpbuf(in.png))) return false;
  png_read_image(in.png, rows);
  return true;
}

bool read_end(Reader& in) {
  if (setjmp(png_jmpbuf(in.png))) return false;
  png_read_end(in.png, nullptr);
  return true;
}

constexpr std::string_view signature = "\x89PNG\r\n\x1a\n";

bool sniff(View head) { return marked(head, 0, signature); }

/// Before the end of these bytes it throws what a truncated file throws; here that means that more are to come.
std::size_t end(View bytes) {
  for (std::size_t at = 8;;) {
    const std::size_t length = big_endian(bytes, at, 4);
    const bool last = big_endian(bytes, at + 4, 4) == 0x49454e44;  // IEND
    at += 12 + length;
    if (last) return at;
  }
}

Facts inspect(View bytes) {
  if (!marked(bytes, 12, "IHDR")) {
    if (bytes.size() < 16) reject_truncated();
    reject_damaged();
  }
  Facts facts{big_endian(bytes, 16, 4), big_endian(bytes, 20, 4)};
  bool raw_profile = false;
  for (std::size_t at = 8; at + 8 <= bytes.size();) {
    const std::size_t length = big_endian(bytes, at, 4), data = at + 8;
    if (length > bytes.size() - data) break;  // the reader will tell what is missing
    if (marked(bytes, at + 4, "acTL") && length >= 4) facts.several = big_endian(bytes, data, 4) > 1;
    if (marked(bytes, at + 4, "eXIf")) {
      facts.orientation = exif_orientation(bytes.subspan(data, length));
      raw_profile = false;
    }
    // Older programs write EXIF as text, compressed or not, in one of three chunks: left to the metadata library.
    if (marked(bytes, data, "Raw profile type exif") || marked(bytes, data, "Raw profile type APP1"))
      raw_profile = facts.orientation == 1;
    at = data + length + 4;
  }
  if (raw_profile) facts.orientation = read_metadata(bytes).orientation;
  return facts;
}

Image decode(View bytes, Decoding& decoding) {
  Reader in(bytes);
  const auto check = [&](bool done) {
    if (in.truncated) reject_truncated();
    if (!done) reject(fmt::format("is a damaged PNG ({})", in.message));
  };
  check(read_start(in, decoding.numbers));
  Image image(static_cast<int>(png_get_image_width(in.png, in.info)),
              static_cast<int>(png_get_image_height(in.png, in.info)), png_get_channels(in.png, in.info),
              png_get_bit_depth(in.png, in.info) == 16 ? Depth::u16 : Depth::u8);
  std::vector<png_bytep> rows(image.height());
  for (int y = 0; y < image.height(); ++y) rows[y] = image.pixels.ptr(y);
  check(read_rows(in, rows.data()));
  const bool ended = read_end(in);
  if (!ended && in.truncated) decoding.warnings.emplace_back(end_missing);
  else check(ended);
  return image;
}

Bytes encode(const Image& image, const EncodeOptions& options) { return encode_png(image, options.png_level); }

}  // namespace

Codec plugin() {
  return {Format::png, sniff,  inspect,
          decode,      encode, {.u16 = true, .gray_alpha = true, .alpha = true, .metadata = true},
          end};
}

}  // namespace ganvas::png_plugin
