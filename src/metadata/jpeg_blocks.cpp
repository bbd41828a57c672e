// JPEG's segments: JFIF's density (ISO/IEC 10918-5), EXIF, XMP and its extension (XMP specification part 3, 1.1.3.1),
// ICC profiles in pieces (ICC.1, annex B.4), Photoshop's resources with IPTC, comments.
#include <openssl/evp.h>

#include <cmath>
#include <map>

#include "metadata/containers.hpp"

namespace ganvas::metadata {

namespace {

using namespace std::string_view_literals;

constexpr auto exif_mark = "Exif\0\0"sv, xmp_mark = "http://ns.adobe.com/xap/1.0/\0"sv,
               extension_mark = "http://ns.adobe.com/xmp/extension/\0"sv, icc_mark = "ICC_PROFILE\0"sv,
               photoshop_mark = "Photoshop 3.0\0"sv, gain_map_mark = "urn:iso:std:iso:ts:21496:-1\0"sv;
constexpr std::size_t longest_segment = 65533;
static_assert(longest_jpeg_xmp == longest_segment - xmp_mark.size());

/// Pieces that came in any order, by number; empty where one is missing or given twice.
struct Pieces {
  std::map<std::size_t, View> found;
  std::size_t count = 0;
  bool damaged = false;
  void add(std::size_t index, std::size_t of, View data) {
    damaged |= (count != 0 && count != of) || !found.emplace(index, data).second;
    count = of;
  }
  Bytes joined() const {
    Bytes all;
    if (damaged || found.size() != count || found.empty() || found.begin()->first != 1) return all;
    for (const auto& [index, data] : found) append(all, data);
    return all;
  }
};

/// The extension's parts by the digest that names it: offset and data.
struct Extension {
  std::map<std::string, std::map<std::size_t, View>> parts;
  void add(View data) {
    constexpr std::size_t digest = 32;
    if (data.size() < digest + 8) return;
    parts[text_of(data.first(digest))][big_endian(data, digest + 4, 4)] = data.subspan(digest + 8);
  }
  /// Of the packet that names it.
  std::string joined(const std::string& packet) const {
    for (const auto& [digest, pieces] : parts) {
      if (packet.find(digest) == std::string::npos) continue;
      std::string all;
      for (const auto& [offset, data] : pieces)
        if (offset == all.size()) all += text_of(data);
      return all;
    }
    return {};
  }
};

void read_density(View data, Resolution& resolution) {
  if (!marked(data, 0, "JFIF\0"sv)) return;
  const auto unit = big_endian(data, 7, 1), across = big_endian(data, 8, 2), down = big_endian(data, 10, 2);
  // 1:1 says nothing.
  if (unit > 2 || (unit == 0 && across == down)) return;
  resolution = {static_cast<double>(across), static_cast<double>(down), static_cast<Resolution::Unit>(unit)};
}

struct Reader {
  Blocks blocks;
  Pieces icc;
  Extension extension;
  Bytes photoshop;

  void take(std::uint64_t marker, View data) {
    Metadata& metadata = blocks.metadata;
    if (marker == 0xe0) read_density(data, metadata.resolution);
    if (marker == 0xfe) metadata.comments.push_back(text_of(data));
    if (marker == 0xe1 && marked(data, 0, exif_mark) && metadata.exif.empty())
      append(metadata.exif, data.subspan(exif_mark.size()));
    if (marker == 0xe1 && marked(data, 0, xmp_mark) && metadata.xmp.empty())
      metadata.xmp = text_of(data.subspan(xmp_mark.size()));
    if (marker == 0xe1 && marked(data, 0, extension_mark)) extension.add(data.subspan(extension_mark.size()));
    if (marker == 0xe2 && marked(data, 0, icc_mark) && data.size() >= icc_mark.size() + 2)
      icc.add(data[icc_mark.size()], data[icc_mark.size() + 1], data.subspan(icc_mark.size() + 2));
    if (marker == 0xe2 && marked(data, 0, gain_map_mark))
      metadata.dropped.push_back("the HDR gain map belongs to the small picture");
    if (marker == 0xed && marked(data, 0, photoshop_mark)) append(photoshop, data.subspan(photoshop_mark.size()));
    if (marker == 0xeb && marked(data, 0, "JP"sv) && marked(data, 12, "jumb"sv))
      metadata.dropped.push_back("content credentials (C2PA) hold for the original only");
  }

  Blocks finished() {
    Metadata& metadata = blocks.metadata;
    metadata.icc = icc.joined();
    if (metadata.icc.empty() && !icc.found.empty()) metadata.dropped.push_back("the ICC profile is incomplete");
    const View iptc = photoshop_block(photoshop, 0x0404);
    metadata.iptc.assign(iptc.begin(), iptc.end());
    blocks.extended_xmp = extension.joined(metadata.xmp);
    return std::move(blocks);
  }
};

void append_segment(Bytes& out, int marker, View data) {
  append_big_endian(out, static_cast<std::uint64_t>(0xff00 | marker), 2);
  append_big_endian(out, data.size() + 2, 2);
  append(out, data);
}

/// One segment; false where the data are too long for it.
bool append_block(Bytes& out, int marker, std::string_view mark, View data) {
  if (data.empty()) return true;
  if (mark.size() + data.size() > longest_segment) return false;
  Bytes segment(mark.begin(), mark.end());
  append(segment, data);
  append_segment(out, marker, segment);
  return true;
}

bool append_profile(Bytes& out, const Bytes& icc) {
  constexpr std::size_t piece = longest_segment - icc_mark.size() - 2;
  const std::size_t pieces = (icc.size() + piece - 1) / piece;
  if (pieces > 255) return false;
  for (std::size_t i = 0; i < pieces; ++i) {
    Bytes data(icc_mark.begin(), icc_mark.end());
    append_big_endian(data, (i + 1) << 8 | pieces, 2);
    append(data, part(icc, i * piece, piece));
    append_segment(out, 0xe2, data);
  }
  return true;
}

void append_extension(Bytes& out, const std::string& extended) {
  if (extended.empty()) return;
  const std::string digest = xmp_digest(extended);
  constexpr std::size_t piece = 65000;
  for (std::size_t at = 0; at < extended.size(); at += piece) {
    Bytes data(extension_mark.begin(), extension_mark.end());
    append(data, digest);
    append_big_endian(data, extended.size(), 4);
    append_big_endian(data, at, 4);
    append(data, std::string_view(extended).substr(at, piece));
    append_segment(out, 0xe1, data);
  }
}

void append_comments(Bytes& out, const Insertion& insertion) {
  std::vector<std::string> comments = insertion.metadata.comments;
  for (const PngChunk& chunk : insertion.metadata.png)
    if (png_keyword(chunk) == "Comment") comments.push_back(png_text(chunk));
  for (const std::string& comment : comments)
    if (!append_block(out, 0xfe, {}, view_of(comment))) insertion.dropped.push_back("a comment is too long for JPEG");
}

/// Into the JFIF segment at the front.
void write_density(Bytes& jfif, const Resolution& resolution) {
  if (!resolution.known()) return;
  const Resolution inches = resolution.in_inches();
  double scale = 1;
  if (inches.unit == Resolution::Unit::unknown && std::max(inches.across, inches.down) < 255) scale = 100;
  const auto dots = [&](double value) { return std::clamp(std::lround(value * scale), 1L, 65535L); };
  jfif[13] = inches.unit == Resolution::Unit::unknown ? 0 : 1;
  for (const auto& [at, value] : {std::pair{14, dots(inches.across)}, std::pair{16, dots(inches.down)}}) {
    jfif[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value >> 8);
    jfif[static_cast<std::size_t>(at) + 1] = static_cast<std::uint8_t>(value);
  }
}

}  // namespace

std::string xmp_digest(const std::string& packet) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!EVP_Digest(packet.data(), packet.size(), digest, &size, EVP_md5(), nullptr)) size = 0;
  std::string hex;
  for (unsigned int i = 0; i < 16; ++i)
    for (const int half : {digest[i] >> 4, digest[i] & 15}) hex += i < size ? "0123456789ABCDEF"[half] : '0';
  return hex;
}

Blocks read_jpeg(View encoded) {
  Reader reader;
  for (std::uint64_t at = 2; at + 4 <= encoded.size();) {
    if (encoded[at] != 0xff || encoded[at + 1] == 0xff) {
      ++at;  // stray and fill bytes
      continue;
    }
    const std::uint64_t marker = encoded[at + 1], length = big_endian(encoded, at + 2, 2);
    if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    if (marker == 0xd9 || marker == 0xda || length < 2 || length > encoded.size() - at - 2) break;
    reader.take(marker, encoded.subspan(at + 4, length - 2));
    at += 2 + length;
  }
  return reader.finished();
}

Bytes insert_into_jpeg(View encoded, const Insertion& insertion) {
  const Metadata& metadata = insertion.metadata;
  // Behind the start mark and the JFIF segment, which wants to be first.
  const bool jfif = marked(encoded, 2, "\xff\xe0"sv) && marked(encoded, 6, "JFIF\0"sv) && encoded.size() > 20;
  const View head = part(encoded, 0, jfif ? 4 + big_endian(encoded, 4, 2) : 2);
  Bytes out(head.begin(), head.end());
  if (jfif) write_density(out, metadata.resolution);
  const auto append_or_drop = [&](int marker, std::string_view mark, View data, const char* what) {
    if (!append_block(out, marker, mark, data)) insertion.dropped.push_back(std::string(what) + " too large for JPEG");
  };
  append_or_drop(0xe1, exif_mark, metadata.exif, "EXIF is");
  append_or_drop(0xe1, xmp_mark, view_of(metadata.xmp), "XMP is");
  append_extension(out, insertion.extended_xmp);
  if (!metadata.iptc.empty()) append_or_drop(0xed, photoshop_mark, photoshop_iptc(metadata.iptc), "IPTC is");
  if (!append_profile(out, metadata.icc)) insertion.dropped.push_back("the ICC profile is too large for JPEG");
  append_comments(out, insertion);
  drop_png_chunks(insertion, "JPEG");
  append(out, encoded.subspan(head.size()));
  return out;
}

}  // namespace ganvas::metadata
