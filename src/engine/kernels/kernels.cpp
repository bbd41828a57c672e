#include "engine/kernels/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/kernels/rows.hpp"

namespace ganvas::engine {

namespace {

/// One value a channel and zeros for what fills up the last block, of one for all or one a channel.
std::vector<float> filled_up(std::vector<float> values, const View& view) {
  if (values.size() == 1) values.assign(static_cast<std::size_t>(view.channels), values[0]);
  values.resize(static_cast<std::size_t>(view.blocks() * view.block), 0.0F);
  return values;
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
  const double pixels = static_cast<double>(in.height) * in.width;
#pragma omp parallel for
  for (int block = 0; block < in.blocks(); ++block) {
    std::vector<float> buffer;
    std::vector<double> sum(static_cast<std::size_t>(in.block), 0), square(sum);
    std::vector<float> around(static_cast<std::size_t>(in.block));
    for (int y = 0; y < in.height; ++y) {
      const float* row = load(in, block, y, buffer);
      if (y == 0) std::copy_n(row, in.block, around.begin());
      std::vector<float> line(static_cast<std::size_t>(in.block), 0), squares(line);
      for (int x = 0; x < in.width; ++x)
        for (std::size_t c = 0; c < line.size(); ++c) {
          const float value = row[static_cast<std::size_t>(x) * line.size() + c] - around[c];
          line[c] += value;
          squares[c] += value * value;
        }
      for (std::size_t c = 0; c < line.size(); ++c) {
        sum[c] += line[c];
        square[c] += squares[c];
      }
    }
    for (std::size_t c = 0; c < sum.size(); ++c) {
      const std::size_t place = static_cast<std::size_t>(block) * sum.size() + c;
      const double shifted = sum[c] / pixels;
      result.mean[place] = shifted + around[c];
      result.variance[place] = std::max(0.0, square[c] / pixels - shifted * shifted);
    }
  }
  return result;
}

}  // namespace ganvas::engine
