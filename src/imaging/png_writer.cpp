// PNG out. libpng deflates a whole picture on one core; here strips of rows are filtered and deflated side by side,
// each ended at a byte boundary so that the pieces join to one zlib stream.
#include <zlib.h>
#include <opencv2/core/utility.hpp>

#include <array>
#include <cstdlib>

#include "ganvas/core/vector_clones.hpp"
#include "imaging/codecs.hpp"

namespace ganvas::codecs {
namespace {

constexpr std::size_t strip_bytes = std::size_t{1} << 19;

void put_u16(Bytes& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_u32(Bytes& out, std::uint32_t value) {
  put_u16(out, value >> 16);
  put_u16(out, value);
}

/// Appends a chunk whose data (behind length and type) `write` appends.
template <typename Write>
void put_chunk(Bytes& out, std::string_view type, const Write& write) {
  const std::size_t start = out.size();
  put_u32(out, 0);
  for (const char c : type) out.push_back(static_cast<std::uint8_t>(c));
  write();
  const auto length = static_cast<std::uint32_t>(out.size() - start - 8);
  for (int i = 0; i < 4; ++i) out[start + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
  put_u32(out, static_cast<std::uint32_t>(crc32_z(0, out.data() + start + 4, length + 4)));
}

/// A row's samples in the file's byte order.
void load_row(const Image& image, int y, std::uint8_t* out) {
  const std::size_t samples = static_cast<std::size_t>(image.width()) * image.channels();
  if (image.depth() == Depth::u8) {
    std::copy_n(image.pixels.ptr(y), samples, out);
    return;
  }
  const auto* row = image.pixels.ptr<std::uint16_t>(y);
  for (std::size_t i = 0; i < samples; ++i) {
    out[2 * i] = static_cast<std::uint8_t>(row[i] >> 8);
    out[2 * i + 1] = static_cast<std::uint8_t>(row[i]);
  }
}

int paeth(int left, int up, int corner) {
  const int a = std::abs(up - corner), b = std::abs(left - corner), c = std::abs(left + up - 2 * corner);
  const int other = b <= c ? up : corner;
  return a <= b && a <= c ? left : other;
}

/// Applies one of PNG's five filters. `row` and `up` have `step` zero bytes before them.
template <typename Predict>
[[gnu::always_inline]] inline std::uint64_t filter_row(const std::uint8_t* row, const std::uint8_t* up,
                                                       std::size_t count, std::size_t step, std::uint8_t* out,
                                                       const Predict& predict) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int left = row[static_cast<std::ptrdiff_t>(i - step)], corner = up[static_cast<std::ptrdiff_t>(i - step)];
    out[i] = static_cast<std::uint8_t>(row[i] - predict(left, int{up[i]}, corner));
    sum += static_cast<std::uint32_t>(std::abs(static_cast<std::int8_t>(out[i])));
  }
  return sum;
}

/// Filters rows [begin, end) with, row by row, the filter of the least absolute sum.
class StripFilter {
 public:
  explicit StripFilter(const Image& image)
      : image_(image),
        step_(image.channels() * image.pixels.elemSize1()),
        count_(image.width() * step_),
        row_(step_ + count_),
        up_(step_ + count_) {
    for (auto& candidate : candidates_) candidate.resize(count_);
  }

  Bytes run(int begin, int end) {
    Bytes filtered;
    filtered.reserve((count_ + 1) * (end - begin));
    if (begin > 0) load_row(image_, begin - 1, up_.data() + step_);
    for (int y = begin; y < end; ++y) {
      load_row(image_, y, row_.data() + step_);
      const std::size_t best = choose();
      filtered.push_back(static_cast<std::uint8_t>(best));
      filtered.insert(filtered.end(), candidates_[best].begin(), candidates_[best].end());
      std::swap(row_, up_);
    }
    return filtered;
  }

 private:
  GANVAS_VECTOR_CLONES std::size_t choose() {
    const std::uint8_t *row = row_.data() + step_, *up = up_.data() + step_;
    std::array<std::uint64_t, 5> cost;
    const auto filter = [&](int i, const auto& predict) {
      cost[i] = filter_row(row, up, count_, step_, candidates_[i].data(), predict);
    };
    filter(0, [](int, int, int) { return 0; });
    filter(1, [](int left, int, int) { return left; });
    filter(2, [](int, int up, int) { return up; });
    filter(3, [](int left, int up, int) { return (left + up) / 2; });
    filter(4, paeth);
    return std::min_element(cost.begin(), cost.end()) - cost.begin();
  }

  const Image& image_;
  std::size_t step_, count_;
  Bytes row_, up_;
  std::array<Bytes, 5> candidates_;
};

struct Strip {
  Bytes chunk;  ///< a whole IDAT chunk
  uLong adler = 1;
  std::size_t raw_size = 0;
};

/// Raw deflate of `data` into `out`; every strip but the last ends with an empty block at a byte boundary.
void deflate_into(Bytes& out, const Bytes& data, int level, bool last) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  const std::size_t start = out.size();
  out.resize(start + deflateBound(&stream, data.size()) + 16);
  stream.next_in = const_cast<Bytef*>(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = out.data() + start;
  stream.avail_out = static_cast<uInt>(out.size() - start);
  const int status = deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);
  out.resize(start + stream.total_out);
  deflateEnd(&stream);
  if (status != (last ? Z_STREAM_END : Z_OK)) fail(ErrorKind::internal, "the PNG writer failed (zlib {})", status);
}

Strip make_strip(const Image& image, int begin, int end, int level) {
  Strip strip;
  const Bytes filtered = StripFilter(image).run(begin, end);
  strip.raw_size = filtered.size();
  strip.adler = adler32_z(strip.adler, filtered.data(), filtered.size());
  put_chunk(strip.chunk, "IDAT", [&] {
    if (begin == 0) put_u16(strip.chunk, 0x789c);  // header of the zlib stream
    deflate_into(strip.chunk, filtered, level, end == image.height());
  });
  strip.chunk.shrink_to_fit();  // deflate's worst case was as large as the pixels
  return strip;
}

void put_header(Bytes& out, const Image& image) {
  constexpr std::uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, color_types[] = {0, 4, 2, 6};
  for (const std::uint8_t byte : signature) out.push_back(byte);
  put_chunk(out, "IHDR", [&] {
    put_u32(out, image.width());
    put_u32(out, image.height());
    const std::uint8_t bits = image.depth() == Depth::u16 ? 16 : 8;
    out.push_back(bits);
    out.push_back(color_types[image.channels() - 1]);
    out.resize(out.size() + 3);  // deflate, adaptive filters, not interlaced
  });
}

}  // namespace

Bytes encode_png(const Image& image, int level) {
  const std::size_t row_bytes = image.width() * image.pixels.elemSize() + 1;
  if (row_bytes > (std::size_t{1} << 30))
    fail(ErrorKind::file, "a row of {} pixels is too long for PNG", image.width());
  const int rows = static_cast<int>(std::clamp<std::size_t>(strip_bytes / row_bytes, 1, image.height()));
  std::vector<Strip> strips((image.height() + rows - 1) / rows);
  cv::parallel_for_(cv::Range(0, static_cast<int>(strips.size())), [&](const cv::Range& range) {
    for (int i = range.start; i < range.end; ++i)
      strips[i] = make_strip(image, i * rows, std::min(image.height(), (i + 1) * rows), std::clamp(level, 0, 9));
  });

  Bytes out;
  std::size_t total = 128;
  uLong adler = 1;
  for (const Strip& strip : strips) total += strip.chunk.size();
  out.reserve(total);
  put_header(out, image);
  for (Strip& strip : strips) {
    adler = adler32_combine(adler, strip.adler, static_cast<z_off_t>(strip.raw_size));
    out.insert(out.end(), strip.chunk.begin(), strip.chunk.end());
    Bytes().swap(strip.chunk);
  }
  put_chunk(out, "IDAT", [&] { put_u32(out, static_cast<std::uint32_t>(adler)); });
  put_chunk(out, "IEND", [] {});
  return out;
}

}  // namespace ganvas::codecs
