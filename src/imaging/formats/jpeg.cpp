// JPEG through libjpeg. OpenCV's reader returns a picture padded with gray for a truncated file and lets the library
// print to stderr; here its warnings decide.
#include <cstdio>

#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "imaging/codecs.hpp"

namespace ganvas {
namespace jpeg_plugin {
namespace {

using namespace codecs;

struct Errors {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
  bool incomplete;  ///< samples are missing
  bool cut;         ///< the file ends before its end mark
};

Errors& errors_of(j_common_ptr info) { return *reinterpret_cast<Errors*>(info->err); }

void on_error(j_common_ptr info) {
  info->err->format_message(info, errors_of(info).message);
  std::longjmp(errors_of(info).back, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // chatter; below zero are warnings of damage
  ++info->err->num_warnings;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
      errors_of(info).cut = true;
      break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
      errors_of(info).incomplete = true;
      break;
    default:
      break;  // e.g. stray bytes between markers, which cost no pixel
  }
}

void on_output(j_common_ptr) {}

jpeg_error_mgr* prepare(Errors& errors) {
  jpeg_error_mgr* manager = jpeg_std_error(&errors.manager);
  manager->error_exit = on_error;
  manager->emit_message = on_message;
  manager->output_message = on_output;
  errors.incomplete = errors.cut = false;
  errors.message[0] = '\0';
  return manager;
}

/// libjpeg reports by longjmp, which must not pass over destructors: these stages hold none.
bool start_reading(jpeg_decompress_struct& info, Errors& errors, View bytes) {
  if (setjmp(errors.back)) return false;
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_read_header(&info, TRUE);
  if (info.num_components == 1) info.out_color_space = JCS_GRAYSCALE;
  else if (info.num_components == 4) info.out_color_space = JCS_CMYK;
  else info.out_color_space = JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  jpeg_calc_output_dimensions(&info);
  return true;
}

/// Whether the scans of a progressive file have told every coefficient to its last bit.
bool knows_all_bits(const jpeg_decompress_struct& info) {
  if (!info.progressive_mode) return false;
  for (int component = 0; component < info.num_components; ++component)
    for (int i = 0; i < DCTSIZE2; ++i)
      if (info.coef_bits[component][i] != 0) return false;
  return true;
}

bool read_rows(jpeg_decompress_struct& info, Errors& errors, std::uint8_t* pixels, std::size_t stride) {
  if (setjmp(errors.back)) return false;
  jpeg_start_decompress(&info);
  // Without the end mark no one knows whether more scans were to come.
  if (errors.cut && jpeg_has_multiple_scans(&info) && !knows_all_bits(info)) errors.incomplete = true;
  while (info.output_scanline < info.output_height && !errors.incomplete) {
    JSAMPROW row = pixels + stride * info.output_scanline;
    jpeg_read_scanlines(&info, &row, 1);
  }
  if (!errors.incomplete) jpeg_finish_decompress(&info);
  return true;
}

/// CMYK as Adobe writes it, 255 = no ink. Files without Adobe's mark are read alike by all the world.
Image rgb_from_cmyk(const cv::Mat& cmyk) {
  Image rgb(cmyk.cols, cmyk.rows, 3, Depth::u8);
  for (int y = 0; y < cmyk.rows; ++y) {
    const std::uint8_t* in = cmyk.ptr(y);
    std::uint8_t* out = rgb.pixels.ptr(y);
    for (int x = 0; x < cmyk.cols; ++x, in += 4, out += 3) {
      for (int c = 0; c < 3; ++c) out[c] = static_cast<std::uint8_t>((in[c] * in[3] + 127) / 255);
    }
  }
  return rgb;
}

struct Compressor {
  jpeg_compress_struct info{};
  Errors errors;
  unsigned char* data = nullptr;
  unsigned long size = 0;
  Compressor() {
    info.err = prepare(errors);
    jpeg_create_compress(&info);
  }
  ~Compressor() {
    jpeg_destroy_compress(&info);
    std::free(data);
  }
};

bool write_rows(Compressor& out, const std::uint8_t* pixels, std::size_t stride, int quality, bool full_chroma) {
  if (setjmp(out.errors.back)) return false;
  jpeg_compress_struct& info = out.info;
  jpeg_mem_dest(&info, &out.data, &out.size);
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  if (full_chroma && info.num_components == 3) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<std::uint8_t*>(pixels + stride * info.next_scanline);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

bool sniff(View head) { return marked(head, 0, "\xff\xd8\xff"); }

/// The quality for which libjpeg would write such a table for luma: the entries of its standard table (T.81, K.1, in
/// any order; their sum is 3688) are scaled by 50 / quality below 50, by 2 - quality / 50 above.
std::optional<double> quality_of(View tables) {
  constexpr double standard_sum = 3688;
  for (std::size_t at = 0; at < tables.size();) {
    const std::uint32_t head = big_endian(tables, at, 1);
    const int bytes = head >> 4 ? 2 : 1;
    ++at;
    double sum = 0;
    for (int i = 0; i < DCTSIZE2; ++i, at += static_cast<std::size_t>(bytes)) sum += big_endian(tables, at, bytes);
    if ((head & 15) != 0) continue;  // chroma
    const double scale = sum / standard_sum;
    return std::clamp(scale <= 1 ? 100 - 50 * scale : 50 / scale, 1.0, 100.0);
  }
  return std::nullopt;
}

Facts inspect(View bytes) {
  Facts facts;
  for (std::size_t at = 2;;) {
    if (big_endian(bytes, at, 1) != 0xff) {
      ++at;  // stray bytes between segments are legal to skip
      continue;
    }
    const std::uint32_t marker = big_endian(bytes, at + 1, 1);
    if (marker == 0xff) {
      ++at;
      continue;
    }
    at += 2;
    if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;  // markers without a length
    if (marker == 0xd9 || marker == 0xda) reject_damaged();              // end or scan before any frame header
    const std::uint32_t length = big_endian(bytes, at, 2);
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) {
      facts.height = big_endian(bytes, at + 3, 2);
      facts.width = big_endian(bytes, at + 5, 2);
      return facts;
    }
    if (marker == 0xe1 && marked(bytes, at + 2, "Exif") && bytes.size() - at > length && length > 2)
      facts.orientation = exif_orientation(bytes.subspan(at + 2, length - 2));
    if (marker == 0xdb && bytes.size() - at > length && length > 2)
      facts.jpeg_quality = quality_of(bytes.subspan(at + 2, length - 2)).value_or(facts.jpeg_quality);
    at += length;
  }
}

std::size_t end(View bytes) {
  for (std::size_t at = 2;;) {
    const std::uint32_t lead = big_endian(bytes, at, 1);
    if (lead != 0xff) {
      ++at;  // coded data, and stray bytes
      continue;
    }
    const std::uint32_t marker = big_endian(bytes, at + 1, 1);
    if (marker == 0xff) {
      ++at;
      continue;
    }
    at += 2;
    if (marker == 0xd9) return at;
    if (marker == 0 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    const std::uint32_t length = big_endian(bytes, at, 2);
    if (marker == 0xe2 && marked(bytes, at + 2, std::string_view("MPF\0", 4))) return SIZE_MAX;
    at += length;
  }
}

Bytes encode(const Image& image, const EncodeOptions& options) { return encode_jpeg(image, options.quality); }

}  // namespace

codecs::Codec plugin() {
  return {Format::jpeg, sniff, inspect, decode_jpeg, encode, {.metadata = true, .longest_side = JPEG_MAX_DIMENSION},
          end};
}

}  // namespace jpeg_plugin

namespace codecs {

using namespace jpeg_plugin;

Image decode_jpeg(View bytes, Decoding& decoding) {
  struct Decompressor {
    jpeg_decompress_struct info{};
    Errors errors;
    Decompressor() {
      info.err = prepare(errors);
      jpeg_create_decompress(&info);
    }
    ~Decompressor() { jpeg_destroy_decompress(&info); }
  } in;
  const auto check = [&](bool done) {
    if (in.errors.incomplete) reject("is truncated or damaged; get an intact copy of the file");
    if (!done) reject(fmt::format("is a damaged or unsupported JPEG ({})", in.errors.message));
  };
  check(start_reading(in.info, in.errors, bytes));
  cv::Mat pixels(static_cast<int>(in.info.output_height), static_cast<int>(in.info.output_width),
                 CV_8UC(in.info.out_color_components));
  check(read_rows(in.info, in.errors, pixels.data, pixels.step[0]));
  if (in.errors.cut) decoding.warnings.emplace_back(end_missing);
  return pixels.channels() == 4 ? rgb_from_cmyk(pixels) : Image(pixels);
}

Bytes encode_jpeg(const Image& image, int quality, int full_chroma_from) {
  Compressor out;
  out.info.image_width = image.width();
  out.info.image_height = image.height();
  out.info.input_components = image.channels();
  out.info.in_color_space = image.channels() == 1 ? JCS_GRAYSCALE : JCS_RGB;
  // Halved chroma would undo part of the work of a super-resolution network.
  const bool full_chroma = quality >= full_chroma_from;
  if (!write_rows(out, image.pixels.ptr(), image.pixels.step[0], std::clamp(quality, 1, 100), full_chroma))
    fail(ErrorKind::internal, "the JPEG writer failed ({})", out.errors.message);
  return Bytes(out.data, out.data + out.size);
}

}  // namespace codecs
}  // namespace ganvas
