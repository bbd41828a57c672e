#include "engine/kernels/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/rows.hpp"

namespace ganvas::engine {

namespace {

/// One value a channel and zeros for what fills up the last block, of one for all or one a channel.
std::vector<float> filled_up(std::vector<float> values, const View& view) {
  if (values.size() == 1) values.assign(static_cast<std::size_t>(view.channels), values[0]);
  values.resize(static_cast<std::size_t>(view.blocks() * view.block), 0.0F);
  return values;
}

std::size_t bytes_each(Element element) { return element == Element::fp32 ? 4 : element == Element::bf16 ? 2 : 1; }

/// A row's sums of each channel, and of squares, around `around`.
void add_moments(const float* row, const float* around, int width, int block, float* __restrict__ sums,
                 float* __restrict__ squares) {
  for (int x = 0; x < width; ++x, row += block)
    for (int c = 0; c < block; ++c) {
      const float value = row[c] - around[c];
      sums[c] += value;
      squares[c] += value * value;
    }
}

/// `bytes` at each of `pixels` places; of a number that compilers know for the runs that are common.
void copy_runs(const std::byte* from, std::size_t from_step, std::byte* to, std::size_t to_step, std::size_t bytes,
               int pixels) {
  const auto copy = [&](auto size) {
    for (int x = 0; x < pixels; ++x, from += from_step, to += to_step) std::memcpy(to, from, size);
  };
  if (bytes == 64) copy(std::integral_constant<std::size_t, 64>());
  else if (bytes == 32) copy(std::integral_constant<std::size_t, 32>());
  else if (bytes == 16) copy(std::integral_constant<std::size_t, 16>());
  else copy(bytes);
}

/// One row of all blocks, of parts in the result's precision: runs of channels that lie together on both sides.
void put_row_together(std::span<const View> parts, const View& out, int y) {
  const std::size_t each = bytes_each(out.element);
  const auto place = [&](const View& view, int c) {
    return static_cast<std::byte*>(view.data) +
           static_cast<std::size_t>(row_start(view, c / view.block, y) + c % view.block) * each;
  };
  int next = 0;
  for (const View& part : parts)
    for (int c = 0, run = 0; c < part.channels; c += run, next += run) {
      run = std::min({part.block - c % part.block, out.block - next % out.block, part.channels - c});
      const auto chunk = run % lane_run == 0 ? lane_run : run;  // of fixed size where that can be
      for (int done = 0; done < run; done += chunk) {
        const std::byte* from = place(part, c + done);
        std::byte* to = place(out, next + done);
        if (from == to) continue;  // computed where it belongs
        copy_runs(from, static_cast<std::size_t>(part.block) * each, to, static_cast<std::size_t>(out.block) * each,
                  static_cast<std::size_t>(chunk) * each, out.width);
      }
    }
  const std::size_t missing = static_cast<std::size_t>(out.blocks() * out.block - next) * each;
  for (int x = 0; missing > 0 && x < out.width; ++x)
    std::memset(place(out, next) + static_cast<std::size_t>(x * out.block) * each, 0, missing);
}

}  // namespace

void convert(const View& in, const View& out) {
  if (in.block == out.block) {
    for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
      store(out, block, y, load(in, block, y, buffers[0]));
    });
    return;
  }
  put_together({&in, 1}, out);
}

void split_halves(const View& in, const View& out) {
  for_lines(in.height, [&](int y, Rows* rows, std::vector<float>& line) {
    rows[0].load_all(in, y);
    line.assign(static_cast<std::size_t>(out.row()), 0.0F);
    for (int c = 0; c < in.channels; ++c) {
      const Channel from = rows[0].channel(c);
      for (int x = 0; x < in.width; ++x) {
        const float value = from.first[static_cast<std::ptrdiff_t>(x) * from.step];
        std::uint16_t bits;
        float rounded;
        narrow(&value, &bits, 1);
        widen(&bits, &rounded, 1);
        float* pixel = line.data() + static_cast<std::ptrdiff_t>(x) * out.block;
        pixel[c] = rounded;
        pixel[in.channels + c] = value - rounded;
      }
    }
    store(out, 0, y, line.data());
  });
}

void quantise(const View& in, const Int8Scale& scale, const View& out) {
  const auto factor = static_cast<float>(1 / scale.step), zero = static_cast<float>(scale.zero);
  if (in.block == out.block) {
    for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
      to_int8(load(in, block, y, buffers[0]), factor, zero,
              static_cast<std::uint8_t*>(out.data) + row_start(out, block, y), out.row());
    });
    return;
  }
  for_lines(in.height, [&](int y, Rows* rows, std::vector<float>& line) {
    rows[0].load_all(in, y);
    line.assign(static_cast<std::size_t>(out.row()), 0.0F);
    for (int first = 0; first < in.channels; first += in.block) {
      const float* block = rows[0].channel(first).first;
      const int count = std::min(in.block, out.block - first);
      for (std::ptrdiff_t x = 0; x < in.width; ++x)
        std::copy_n(block + x * in.block, count, line.data() + x * out.block + first);
    }
    to_int8(line.data(), factor, zero, static_cast<std::uint8_t*>(out.data) + row_start(out, 0, y), out.row());
  });
}

void leak_quantise(const View& in, const std::vector<float>& slopes, const Int8Scale& scale, const View& out) {
  const std::vector<float> own = filled_up(slopes, in);
  const auto factor = static_cast<float>(1 / scale.step), zero = static_cast<float>(scale.zero);
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    auto* to = static_cast<std::uint8_t*>(out.data) + row_start(out, block, y);
    if (in.element == Element::bf16) {
      const auto* from = static_cast<const std::uint16_t*>(in.data) + row_start(in, block, y);
      leak_to_int8(from, own.data(), factor, zero, to, in.width, in.block);
      return;
    }
    float* row = load_own(in, block, y, buffers[0]);
    leak(row, own.data(), in.width, in.block);
    to_int8(row, factor, zero, to, out.row());
  });
}

void leak(const View& in, const std::vector<float>& slopes, const View& out) {
  const std::vector<float> own = filled_up(slopes, in);
  const auto of_block = [&](int block) { return own.data() + static_cast<std::ptrdiff_t>(block) * in.block; };
  if (in.data == out.data && in.element == Element::bf16) {
    for_rows(out, [&](int block, int y, std::vector<float>*) {
      leak(static_cast<std::uint16_t*>(out.data) + row_start(out, block, y), of_block(block), out.width, out.block);
    });
    return;
  }
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    float* row = load_own(in, block, y, buffers[0]);
    leak(row, of_block(block), in.width, in.block);
    store(out, block, y, row);
  });
}

void scale_and_shift(const View& in, const std::vector<float>& scale, const std::vector<float>& shift,
                     const View& out) {
  const std::vector<float> factors = filled_up(scale, in), terms = filled_up(shift, in);
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    float* row = load_own(in, block, y, buffers[0]);
    const auto first = static_cast<std::ptrdiff_t>(block) * in.block;
    scale_shift(row, factors.data() + first, terms.data() + first, in.width, in.block);
    store(out, block, y, row);
  });
}

void put_together(std::span<const View> parts, const View& out) {
  if (std::ranges::all_of(parts, [&](const View& part) { return part.element == out.element; })) {
#pragma omp parallel for
    for (int y = 0; y < out.height; ++y) put_row_together(parts, out, y);
    return;
  }
  for_lines(out.height, [&](int y, Rows* rows, std::vector<float>& line) {
    int next = 0, filled = -1;
    for (const auto& part : parts) {
      rows[0].load_all(part, y);
      for (int c = 0; c < part.channels; ++c, ++next) {
        if (next / out.block != filled) {
          if (filled >= 0) store(out, filled, y, line.data());
          filled = next / out.block;
          line.assign(static_cast<std::size_t>(out.row()), 0.0F);
        }
        const Channel from = rows[0].channel(c);
        float* to = line.data() + next % out.block;
        for (int x = 0; x < out.width; ++x)
          to[static_cast<std::ptrdiff_t>(x) * out.block] = from.first[static_cast<std::ptrdiff_t>(x) * from.step];
      }
    }
    store(out, filled, y, line.data());
  });
}

void remap(const View& in, const std::vector<int>& rows, const std::vector<int>& columns, const View& out) {
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    const int source = rows[static_cast<std::size_t>(y)];
    buffers[1].assign(static_cast<std::size_t>(out.row()), 0.0F);
    if (source >= 0) {
      const float* row = load(in, block, source, buffers[0]);
      for (int x = 0; x < out.width; ++x)
        if (const int column = columns[static_cast<std::size_t>(x)]; column >= 0)
          std::copy_n(row + static_cast<std::ptrdiff_t>(column) * in.block, in.block,
                      buffers[1].data() + static_cast<std::ptrdiff_t>(x) * in.block);
    }
    store(out, block, y, buffers[1].data());
  });
}

// Sums of each channel and of its squares around the first pixel's value, in double.
Moments moments_of(const View& in) {
  const auto count = static_cast<std::size_t>(in.blocks() * in.block);
  Moments result{std::vector<double>(count, 0), std::vector<double>(count, 0)};
  std::vector<float> around;
  for (int block = 0; block < in.blocks(); ++block) {
    std::vector<float> buffer;
    const float* first = load(in, block, 0, buffer);
    around.insert(around.end(), first, first + in.block);
  }
  // Rows on all threads, then their sums in order: the same bits for any number of threads.
  std::vector<float> lines(count * static_cast<std::size_t>(in.height), 0), squares(lines);
  for_rows(in, [&](int block, int y, std::vector<float>* buffers) {
    const std::size_t first = static_cast<std::size_t>(block) * static_cast<std::size_t>(in.block);
    const std::size_t place = static_cast<std::size_t>(y) * count + first;
    add_moments(load(in, block, y, buffers[0]), around.data() + first, in.width, in.block, lines.data() + place,
                squares.data() + place);
  });
  const double pixels = static_cast<double>(in.height) * in.width;
  for (std::size_t c = 0; c < count; ++c) {
    double sum = 0, square = 0;
    for (std::size_t at = c; at < lines.size(); at += count) {
      sum += lines[at];
      square += squares[at];
    }
    const double shifted = sum / pixels;
    result.mean[c] = shifted + around[c];
    result.variance[c] = std::max(0.0, square / pixels - shifted * shifted);
  }
  return result;
}

}  // namespace ganvas::engine
