// Netpbm P1 to P6, 8 and 16 bits. Any maximum is scaled to the full range with rounding.
#include <cctype>
#include <cstring>

#include "imaging/codecs.hpp"

namespace ganvas::pnm_plugin {
namespace {

using namespace codecs;

bool sniff(View head) {
  return head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' &&
         (std::isspace(head[2]) || head[2] == '#');
}

class Reader {
 public:
  explicit Reader(View bytes) : bytes_(bytes), at_(2) {}

  /// Next decimal number after white space and comments.
  std::uint32_t number() {
    skip_space();
    if (at_ >= bytes_.size()) reject_truncated();
    if (!std::isdigit(bytes_[at_])) reject_damaged();
    std::uint64_t value = 0;
    for (; at_ < bytes_.size() && std::isdigit(bytes_[at_]); ++at_) {
      value = value * 10 + (bytes_[at_] - '0');
      if (value > INT32_MAX) reject_damaged();
    }
    return static_cast<std::uint32_t>(value);
  }
  /// Next P1 sample: a single digit, with or without space around it.
  std::uint32_t bit() {
    skip_space();
    if (at_ >= bytes_.size()) reject_truncated();
    const std::uint8_t c = bytes_[at_++];
    if (c != '0' && c != '1') reject_damaged();
    return c - '0';
  }
  /// Where the raw samples begin.
  std::size_t data() const {
    if (at_ >= bytes_.size()) reject_truncated();
    return at_ + 1;
  }
  /// The raw samples behind the single white space that ends a binary header.
  View rest() { return bytes_.subspan(data()); }

 private:
  void skip_space() {
    while (at_ < bytes_.size() && (std::isspace(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#')
        while (at_ < bytes_.size() && bytes_[at_] != '\n') ++at_;
      else ++at_;
    }
  }
  View bytes_;
  std::size_t at_;
};

struct Header {
  int kind, width, height, channels;
  std::uint32_t maximum;
};

Header read_header(View bytes, Reader& reader) {
  Header header{bytes[1] - '0', 0, 0, 1, 1};
  header.width = static_cast<int>(reader.number());
  header.height = static_cast<int>(reader.number());
  header.channels = header.kind % 3 == 0 ? 3 : 1;
  if (header.kind % 3 != 1) header.maximum = reader.number();
  if (header.width < 1 || header.height < 1 || header.maximum < 1 || header.maximum > 65535) reject_damaged();
  return header;
}

std::size_t row_bytes(const Header& header) {
  const std::size_t per_row = static_cast<std::size_t>(header.width) * header.channels;
  return header.kind == 4 ? (per_row + 7) / 8 : per_row * (header.maximum < 256 ? 1 : 2);
}

/// Binary samples of one or two bytes, or packed bits.
std::uint32_t binary_sample(View data, const Header& header, std::size_t row, std::size_t i) {
  const std::size_t per_row = static_cast<std::size_t>(header.width) * header.channels;
  if (header.kind == 4) return data[row * ((per_row + 7) / 8) + i / 8] >> (7 - i % 8) & 1;
  if (header.maximum < 256) return data[row * per_row + i];
  return big_endian(data, (row * per_row + i) * 2, 2);
}

template <typename Sample>
void fill(cv::Mat& pixels, const Header& header, Reader& reader, bool numbers) {
  const std::size_t per_row = static_cast<std::size_t>(header.width) * header.channels;
  const std::uint32_t full = std::numeric_limits<Sample>::max();
  const bool ascii = header.kind <= 3;
  View data;
  if (!ascii) {
    data = reader.rest();
    if (data.size() / row_bytes(header) < static_cast<std::size_t>(header.height)) reject_truncated();
  }
  for (int y = 0; y < header.height; ++y) {
    auto* row = pixels.ptr<Sample>(y);
    if (header.kind == 6 && header.maximum == 255) {
      std::memcpy(row, data.data() + y * per_row, per_row);
      continue;
    }
    for (std::size_t i = 0; i < per_row; ++i) {
      std::uint32_t value = !ascii             ? binary_sample(data, header, y, i)
                            : header.kind == 1 ? reader.bit()
                                               : reader.number();
      if (value > header.maximum) reject_damaged();
      if (numbers) {
        row[i] = static_cast<Sample>(value);
        continue;
      }
      if (header.kind % 3 == 1) value = 1 - value;  // in bitmaps 1 is black
      row[i] = static_cast<Sample>((std::uint64_t{value} * full * 2 + header.maximum) / (header.maximum * 2));
    }
  }
}

std::size_t end(View bytes) {
  Reader reader(bytes);
  const Header header = read_header(bytes, reader);
  if (header.kind <= 3) return SIZE_MAX;  // written in digits: nobody's frames
  const std::size_t row = row_bytes(header), height = static_cast<std::size_t>(header.height);
  if (row > SIZE_MAX / 4 / height) return SIZE_MAX;
  return reader.data() + row * height;
}

Facts inspect(View bytes) {
  Reader reader(bytes);
  const Header header = read_header(bytes, reader);
  return {header.width, header.height};
}

Image decode(View bytes, Decoding& decoding) {
  Reader reader(bytes);
  const Header header = read_header(bytes, reader);
  Image image(header.width, header.height, header.channels, header.maximum < 256 ? Depth::u8 : Depth::u16);
  if (image.depth() == Depth::u8) fill<std::uint8_t>(image.pixels, header, reader, decoding.numbers);
  else fill<std::uint16_t>(image.pixels, header, reader, decoding.numbers);
  return image;
}

Bytes encode(const Image& image, const EncodeOptions&) {
  const bool wide = image.depth() == Depth::u16;
  const std::string header =
      fmt::format("P{}\n{} {}\n{}\n", image.channels() == 1 ? 5 : 6, image.width(), image.height(), wide ? 65535 : 255);
  const std::size_t per_row = static_cast<std::size_t>(image.width()) * image.channels();
  Bytes bytes(header.size() + per_row * image.height() * (wide ? 2 : 1));
  std::uint8_t* out = std::copy(header.begin(), header.end(), bytes.data());
  for (int y = 0; y < image.height(); ++y) {
    if (!wide) {
      out = std::copy_n(image.pixels.ptr<std::uint8_t>(y), per_row, out);
      continue;
    }
    const auto* row = image.pixels.ptr<std::uint16_t>(y);
    for (std::size_t i = 0; i < per_row; ++i) {
      *out++ = static_cast<std::uint8_t>(row[i] >> 8);
      *out++ = static_cast<std::uint8_t>(row[i]);
    }
  }
  return bytes;
}

}  // namespace

Codec plugin() { return {Format::pnm, sniff, inspect, decode, encode, {.u16 = true}, end}; }

}  // namespace ganvas::pnm_plugin
