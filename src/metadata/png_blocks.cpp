// PNG's chunks (W3C PNG, third edition): pHYs, iCCP, eXIf, texts, and those that say what the colours mean. Older
// programs write EXIF, IPTC and XMP as hexadecimal text ("Raw profile type ..."), as ImageMagick and exiv2 do.
#include <zlib.h>

#include <cmath>

#include "ganvas/core/utf8.hpp"
#include "metadata/containers.hpp"

namespace ganvas::metadata {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view xmp_keyword = "XML:com.adobe.xmp", raw_profile = "Raw profile type ";

/// A text chunk's parts; `content` is compressed where it says so.
struct Text {
  std::string keyword;
  View content;
  bool compressed = false, utf8 = false;
};

/// Keyword and what stands behind its end mark; nothing where that is missing.
std::optional<std::pair<std::string, View>> split_at_zero(View data) {
  const auto end = std::find(data.begin(), data.end(), 0);
  if (end == data.end()) return std::nullopt;
  const auto length = static_cast<std::size_t>(end - data.begin());
  return std::pair(text_of(data.first(length)), data.subspan(length + 1));
}

std::optional<Text> parse_text(std::string_view type, View data) {
  auto parts = split_at_zero(data);
  if (!parts || parts->first.empty() || parts->first.size() > 79) return std::nullopt;
  Text text{parts->first, parts->second};
  if (type == "tEXt") return text;
  if (type == "zTXt") {
    if (text.content.empty() || text.content[0] != 0) return std::nullopt;
    text.content = text.content.subspan(1);
    text.compressed = true;
    return text;
  }
  // iTXt: whether compressed, how, language, keyword in that language.
  text.utf8 = true;
  if (text.content.size() < 2 || text.content[0] > 1) return std::nullopt;
  text.compressed = text.content[0] == 1;
  const auto language = split_at_zero(text.content.subspan(2));
  const auto translated = language ? split_at_zero(language->second) : std::nullopt;
  if (!translated) return std::nullopt;
  text.content = translated->second;
  return text;
}

std::optional<Bytes> content_of(const Text& text) {
  if (text.compressed) return inflated(text.content);
  return Bytes(text.content.begin(), text.content.end());
}

std::string utf8_from_latin1(View text) {
  std::string out;
  for (const auto byte : text) {
    if (byte >= 0x80) out += static_cast<char>(0xc0 | byte >> 6);
    out += static_cast<char>(byte >= 0x80 ? 0x80 | (byte & 0x3f) : byte);
  }
  return out;
}

/// "\n<name>\n<length>\n<hexadecimal digits in lines>".
std::optional<Bytes> bytes_of_raw_profile(View text) {
  std::size_t at = 0;
  for (int line = 0; line < 3; ++line) {
    while (at < text.size() && text[at] != '\n') ++at;
    ++at;
  }
  Bytes out;
  int high = -1;
  for (; at < text.size(); ++at) {
    const auto c = text[at];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) continue;
    if (high >= 0) out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
    high = high >= 0 ? -1 : digit;
  }
  if (out.empty() || high >= 0) return std::nullopt;
  return out;
}

View without_exif_mark(View data) { return marked(data, 0, "Exif\0\0"sv) ? data.subspan(6) : data; }

void take_raw_profile(Blocks& blocks, const std::string& kind, View data) {
  Metadata& metadata = blocks.metadata;
  const bool xmp = marked(data, 0, "http://ns.adobe.com/xap/1.0/"sv);
  if ((kind == "exif" || kind == "APP1") && !xmp && metadata.exif.empty()) {
    append(metadata.exif, without_exif_mark(data));
  } else if (kind == "iptc" || kind == "8bim") {
    const View iptc = data.empty() || data[0] != 0x1c ? photoshop_block(data, 0x0404) : data;
    if (metadata.iptc.empty()) metadata.iptc.assign(iptc.begin(), iptc.end());
  } else if ((kind == "xmp" || xmp) && metadata.xmp.empty()) {
    metadata.xmp = text_of(xmp ? part(data, 29) : data);
  } else if ((kind == "icc" || kind == "icm") && metadata.icc.empty()) {
    metadata.icc.assign(data.begin(), data.end());
  }
}

/// False: it is damaged.
bool take_text(Blocks& blocks, const std::string& type, View data) {
  const auto text = parse_text(type, data);
  const auto content = text ? content_of(*text) : std::nullopt;
  if (!content) return false;
  if (text->keyword == xmp_keyword) {
    if (blocks.metadata.xmp.empty()) blocks.metadata.xmp = text_of(*content);
  } else if (text->keyword.starts_with(raw_profile)) {
    const auto bytes = bytes_of_raw_profile(*content);
    if (!bytes) return false;
    take_raw_profile(blocks, text->keyword.substr(raw_profile.size()), *bytes);
  } else {
    blocks.metadata.png.push_back({type, Bytes(data.begin(), data.end())});
  }
  return true;
}

bool take_profile(Metadata& metadata, View data) {
  const auto parts = split_at_zero(data);
  if (!parts || parts->second.empty() || parts->second[0] != 0) return false;
  auto icc = inflated(parts->second.subspan(1));
  if (!icc) return false;
  metadata.icc = std::move(*icc);
  return true;
}

/// Size of the chunks that say what the colours mean; 0: another chunk.
std::size_t colour_chunk_size(std::string_view type) {
  if (type == "gAMA" || type == "cICP") return 4;
  if (type == "cHRM") return 32;
  if (type == "sRGB") return 1;
  if (type == "mDCV" || type == "mDCv") return 24;
  if (type == "cLLI" || type == "cLLi") return 8;
  return 0;
}

/// False: it is damaged.
bool take_chunk(Blocks& blocks, const std::string& type, View data) {
  Metadata& metadata = blocks.metadata;
  if (type == "tEXt" || type == "zTXt" || type == "iTXt") return take_text(blocks, type, data);
  if (type == "iCCP") return take_profile(metadata, data);
  if (type == "eXIf") {
    const View exif = without_exif_mark(data);
    metadata.exif.assign(exif.begin(), exif.end());
  } else if (type == "pHYs") {
    if (data.size() != 9) return false;
    const double across = static_cast<double>(big_endian(data, 0, 4)),
                 down = static_cast<double>(big_endian(data, 4, 4));
    const bool metre = data[8] == 1;
    if (metre) metadata.resolution = {across / 100, down / 100, Resolution::Unit::centimetre};
    else if (across != down) metadata.resolution = {across, down, Resolution::Unit::unknown};
  } else if (const std::size_t size = colour_chunk_size(type)) {
    if (data.size() != size) return false;
    metadata.png.push_back({type, Bytes(data.begin(), data.end())});
  }
  return true;
}

bool carries_metadata(std::string_view type) {
  return type == "tEXt" || type == "zTXt" || type == "iTXt" || type == "iCCP" || type == "eXIf" || type == "pHYs" ||
         colour_chunk_size(type) > 0;
}

void append_chunk(Bytes& out, std::string_view type, View data) {
  append_big_endian(out, data.size(), 4);
  const std::size_t start = out.size();
  append(out, type);
  append(out, data);
  append_big_endian(out, crc32_z(0, out.data() + start, out.size() - start), 4);
}

void append_resolution(Bytes& out, const Resolution& resolution) {
  if (!resolution.known()) return;
  const bool metre = resolution.unit != Resolution::Unit::unknown;
  const double factor = resolution.unit == Resolution::Unit::inch ? 100 / 2.54 : metre ? 100 : 1;
  const double larger = std::max(resolution.across, resolution.down);
  const double scale = !metre && larger < 1000 ? 1000 : 1;  // proportions are whole numbers here
  Bytes data;
  for (const double value : {resolution.across, resolution.down})
    append_big_endian(data,
                      static_cast<std::uint64_t>(std::clamp(std::round(value * factor * scale), 1.0, 2147483647.0)), 4);
  data.push_back(metre ? 1 : 0);
  append_chunk(out, "pHYs", data);
}

void append_profile(Bytes& out, View icc) {
  if (icc.empty()) return;
  Bytes data;
  append(data, "ICC profile\0\0"sv);
  append(data, deflated(icc));
  append_chunk(out, "iCCP", data);
}

/// IPTC the way ImageMagick, exiv2 and ExifTool read it.
void append_iptc(Bytes& out, View iptc) {
  if (iptc.empty()) return;
  const Bytes block = photoshop_iptc(iptc);
  std::string text = "\niptc\n" + std::to_string(block.size());
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (i % 36 == 0) text += '\n';
    text += "0123456789abcdef"[block[i] >> 4];
    text += "0123456789abcdef"[block[i] & 15];
  }
  text += '\n';
  Bytes data;
  append(data, "Raw profile type iptc\0\0"sv);
  append(data, deflated(view_of(text)));
  append_chunk(out, "zTXt", data);
}

void append_comment(Bytes& out, const std::string& comment) {
  Bytes data;
  const std::string text = is_utf8(comment) ? comment : utf8_from_latin1(view_of(comment));
  append(data, "Comment\0\0\0\0\0"sv);
  append(data, text.substr(0, text.find('\0')));  // programs that write C strings
  append_chunk(out, "iTXt", data);
}

}  // namespace

std::string png_keyword(const PngChunk& chunk) {
  const auto text = colour_chunk_size(chunk.type) > 0 ? std::nullopt : parse_text(chunk.type, chunk.data);
  return text ? text->keyword : std::string();
}

std::string png_text(const PngChunk& chunk) {
  const auto text = parse_text(chunk.type, chunk.data);
  const auto content = text ? content_of(*text) : std::nullopt;
  if (!content) return {};
  return text->utf8 ? text_of(*content) : utf8_from_latin1(*content);
}

std::optional<Bytes> inflated(View compressed, std::size_t limit) {
  Bytes out;
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  stream.next_in = const_cast<std::uint8_t*>(compressed.data());
  stream.avail_in = static_cast<uInt>(std::min<std::size_t>(compressed.size(), UINT32_MAX));
  int state = Z_OK;
  while (state == Z_OK && out.size() < limit) {
    const std::size_t begin = out.size();
    out.resize(std::min(limit, std::max<std::size_t>(2 * begin, 4096)));
    stream.next_out = out.data() + begin;
    stream.avail_out = static_cast<uInt>(out.size() - begin);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (state != Z_STREAM_END) return std::nullopt;
  return out;
}

Bytes deflated(View plain) {
  uLongf size = compressBound(plain.size());
  Bytes out(size);
  if (compress(out.data(), &size, plain.data(), plain.size()) != Z_OK) size = 0;
  out.resize(size);
  return out;
}

void drop_png_chunks(const Insertion& insertion, std::string_view format) {
  std::string names;
  for (const PngChunk& chunk : insertion.metadata.png) {
    const std::string keyword = png_keyword(chunk);
    // sRGB is what pictures without a word are taken for, and JPEG has comments.
    if (keyword.empty() ? says_srgb(chunk) : keyword == "Comment" && format == "JPEG") continue;
    names += (names.empty() ? "" : ", ") + (keyword.empty() ? chunk.type : keyword);
  }
  if (!names.empty()) insertion.dropped.push_back(std::string(format) + " can't hold PNG's " + names);
}

bool says_srgb(const PngChunk& chunk) {
  if (chunk.type == "sRGB") return true;
  if (chunk.type == "gAMA") return big_endian(chunk.data, 0, 4) == 45455;
  if (chunk.type == "cICP") return chunk.data == Bytes{1, 13, 0, 1};
  constexpr std::uint32_t primaries[] = {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000};
  if (chunk.type != "cHRM") return false;
  for (std::size_t i = 0; i < 8; ++i)
    if (std::llabs(static_cast<long long>(big_endian(chunk.data, 4 * i, 4)) - primaries[i]) > 5) return false;
  return true;
}

void drop_all_but_resolution(const Insertion& insertion, std::string_view format) {
  const Metadata& metadata = insertion.metadata;
  std::string names;
  for (const auto& [there, name] :
       {std::pair{!metadata.icc.empty(), "the ICC profile"}, std::pair{!metadata.exif.empty(), "EXIF"},
        std::pair{!metadata.xmp.empty(), "XMP"}, std::pair{!metadata.iptc.empty(), "IPTC"},
        std::pair{!metadata.comments.empty(), "comments"}})
    if (there) names += (names.empty() ? "" : ", ") + std::string(name);
  if (!names.empty()) insertion.dropped.push_back(std::string(format) + " can't hold " + names);
  drop_png_chunks(insertion, format);
}

Blocks read_png(View encoded) {
  Blocks blocks;
  for (std::uint64_t at = 8; at + 12 <= encoded.size();) {
    const std::uint64_t length = big_endian(encoded, at, 4);
    if (length > encoded.size() - at - 12) break;
    const std::string type = text_of(encoded.subspan(at + 4, 4));
    const View data = encoded.subspan(at + 8, length);
    if (type == "IEND") break;
    if (carries_metadata(type)) {
      const bool whole = crc32_z(0, encoded.data() + at + 4, length + 4) == big_endian(encoded, at + 8 + length, 4);
      if (!whole || !take_chunk(blocks, type, data))
        blocks.metadata.dropped.push_back("a " + type + " chunk is damaged");
    }
    at += 12 + length;
  }
  return blocks;
}

Bytes insert_into_png(View encoded, const Insertion& insertion) {
  const Metadata& metadata = insertion.metadata;
  constexpr std::size_t head = 8 + 25;  // signature and IHDR
  Bytes out(encoded.begin(), encoded.begin() + head);
  append_resolution(out, metadata.resolution);
  for (const PngChunk& chunk : metadata.png)
    // A profile and sRGB exclude each other.
    if (chunk.type != "sRGB" || metadata.icc.empty()) append_chunk(out, chunk.type, chunk.data);
  append_profile(out, metadata.icc);
  if (!metadata.exif.empty()) append_chunk(out, "eXIf", metadata.exif);
  if (!metadata.xmp.empty()) {
    Bytes data;
    append(data, "XML:com.adobe.xmp\0\0\0\0\0"sv);
    append(data, metadata.xmp);
    append_chunk(out, "iTXt", data);
  }
  append_iptc(out, metadata.iptc);
  for (const std::string& comment : metadata.comments) append_comment(out, comment);
  append(out, encoded.subspan(head));
  return out;
}

}  // namespace ganvas::metadata
