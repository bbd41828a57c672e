#include "engine/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/rows.hpp"

namespace ganvas::engine {

namespace {

std::vector<float> filled_up(std::vector<float> values, const View& view) {
  if (values.size() == 1) values.assign(static_cast<std::size_t>(view.channels), values[0]);
  values.resize(static_cast<std::size_t>(view.blocks() * view.block), 0.0F);
  return values;
}

/// Copies rows under a map of rows and columns; -1: zeros.
void remap(const View& in, const std::vector<int>& from_row, const std::vector<int>& from_column, const View& out) {
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    const int source = from_row[static_cast<std::size_t>(y)];
    buffers[1].assign(static_cast<std::size_t>(out.row()), 0.0F);
    if (source >= 0) {
      const float* row = load(in, block, source, buffers[0]);
      for (int x = 0; x < out.width; ++x)
        if (const int column = from_column[static_cast<std::size_t>(x)]; column >= 0)
          std::copy_n(row + static_cast<std::ptrdiff_t>(column) * in.block, in.block,
                      buffers[1].data() + static_cast<std::ptrdiff_t>(x) * in.block);
    }
    store(out, block, y, buffers[1].data());
  });
}

}  // namespace

void convert(const View& in, const View& out) {
  if (in.block == out.block) {
    for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
      store(out, block, y, load(in, block, y, buffers[0]));
    });
    return;
  }
  concat({in}, out);
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

void leak_quantise(const View& in, const float* slopes, const Int8Scale& scale, const View& out) {
  const std::vector<float> own = filled_up(std::vector<float>(slopes, slopes + in.channels), in);
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

void activate(const View& in, const View& out, Activation activation, double slope, const float* slopes) {
  std::vector<float> own(slopes, slopes ? slopes + in.channels : slopes);
  if (!slopes) own.assign(1, activation == Activation::leaky_relu ? static_cast<float>(slope) : 0.0F);
  own = filled_up(std::move(own), in);
  if (activation == Activation::prelu && in.data == out.data && in.element == Element::bf16) {
    for_rows(out, [&](int block, int y, std::vector<float>*) {
      leak(static_cast<std::uint16_t*>(out.data) + row_start(out, block, y),
           own.data() + static_cast<std::ptrdiff_t>(block) * out.block, out.width, out.block);
    });
    return;
  }
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    float* row = load_own(in, block, y, buffers[0]);
    const std::int64_t count = in.row();
    switch (activation) {
      case Activation::none:
        break;
      case Activation::relu:
      case Activation::leaky_relu:
      case Activation::prelu:
        leak(row, own.data() + static_cast<std::ptrdiff_t>(block) * in.block, in.width, in.block);
        break;
      case Activation::silu:
        for (std::int64_t i = 0; i < count; ++i) row[i] /= 1 + std::exp(-row[i]);
        break;
      case Activation::sigmoid:
        for (std::int64_t i = 0; i < count; ++i) row[i] = 1 / (1 + std::exp(-row[i]));
        break;
      case Activation::tanh:
        for (std::int64_t i = 0; i < count; ++i) row[i] = std::tanh(row[i]);
        break;
    }
    store(out, block, y, row);
  });
}

void add(const View& a, double alpha, const View& b, double beta, const View& out) {
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    float* row = load_own(a, block, y, buffers[0]);
    axpby(row, static_cast<float>(alpha), load(b, block, y, buffers[1]), static_cast<float>(beta), a.row());
    store(out, block, y, row);
  });
}

void multiply(const View& a, const View& b, const View& out) {
  const bool pixel = b.height == 1 && b.width == 1;
  const std::vector<float> zeros(static_cast<std::size_t>(a.block), 0.0F);
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    float* row = load_own(a, block, y, buffers[0]);
    const float* factors = load(b, block, pixel ? 0 : y, buffers[1]);
    if (pixel) scale_shift(row, factors, zeros.data(), a.width, a.block);
    else
      for (std::int64_t i = 0; i < a.row(); ++i) row[i] *= factors[i];
    store(out, block, y, row);
  });
}

void affine(const View& in, const std::vector<float>& scale, const std::vector<float>& shift, const View& out) {
  const std::vector<float> factors = filled_up(scale, in), terms = filled_up(shift, in);
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    float* row = load_own(in, block, y, buffers[0]);
    const auto first = static_cast<std::ptrdiff_t>(block) * in.block;
    scale_shift(row, factors.data() + first, terms.data() + first, in.width, in.block);
    store(out, block, y, row);
  });
}

void concat(const std::vector<View>& parts, const View& out) {
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

void pixel_shuffle(const View& in, int factor, bool grouped, const View& base, const View& out) {
  const int planes = factor * factor;
  for_lines(in.height, [&](int y, Rows* rows, std::vector<float>& line) {
    rows[0].load_all(in, y);
    if (base.data) rows[1].load_all(base, y);
    for (int i = 0; i < factor; ++i)
      for (int block = 0; block < out.blocks(); ++block) {
        line.assign(static_cast<std::size_t>(out.row()), 0.0F);
        const int first = block * out.block, last = std::min(out.channels, first + out.block);
        for (int c = first; c < last; ++c) {
          const Channel under = base.data ? rows[1].channel(c) : Channel{nullptr, 0};
          for (int j = 0; j < factor; ++j) {
            const int place = i * factor + j;
            const Channel from = rows[0].channel(grouped ? place * out.channels + c : c * planes + place);
            float* to = line.data() + static_cast<std::ptrdiff_t>(j) * out.block + (c - first);
            const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(factor) * out.block;
            for (int x = 0; x < in.width; ++x) {
              float value = from.first[static_cast<std::ptrdiff_t>(x) * from.step];
              if (under.first) value += under.first[static_cast<std::ptrdiff_t>(x) * under.step];
              to[x * step] = value;
            }
          }
        }
        store(out, block, y * factor + i, line.data());
      }
  });
}

void pixel_unshuffle(const View& in, int factor, const View& out) {
  const int planes = factor * factor;
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    buffers[1].assign(static_cast<std::size_t>(out.row()), 0.0F);
    const int first = block * out.block, last = std::min(out.channels, first + out.block);
    for (int k = first; k < last; ++k) {
      const int c = k / planes, i = k % planes / factor, j = k % factor;
      const float* row = load(in, c / in.block, y * factor + i, buffers[0]) + c % in.block;
      for (int x = 0; x < out.width; ++x)
        buffers[1][static_cast<std::size_t>(x) * static_cast<std::size_t>(out.block) +
                   static_cast<std::size_t>(k - first)] = row[static_cast<std::ptrdiff_t>(x * factor + j) * in.block];
    }
    store(out, block, y, buffers[1].data());
  });
}

void nearest(const View& in, int factor, const View& out) {
  std::vector<int> rows(static_cast<std::size_t>(out.height)), columns(static_cast<std::size_t>(out.width));
  for (int y = 0; y < out.height; ++y) rows[static_cast<std::size_t>(y)] = y / factor;
  for (int x = 0; x < out.width; ++x) columns[static_cast<std::size_t>(x)] = x / factor;
  remap(in, rows, columns, out);
}

namespace {

/// Where a bilinear result comes from along one axis.
struct Taps {
  std::vector<int> low, high;
  std::vector<float> share;  ///< of high
};

Taps taps(int from, int to, bool align_corners) {
  Taps result;
  for (int i = 0; i < to; ++i) {
    const double place = bilinear_place(i, from, to, align_corners);
    const int low = std::min(static_cast<int>(place), from - 1);
    result.low.push_back(low);
    result.high.push_back(std::min(low + 1, from - 1));
    result.share.push_back(static_cast<float>(place - low));
  }
  return result;
}

}  // namespace

void bilinear(const View& in, bool align_corners, const View& out) {
  const Taps down = taps(in.height, out.height, align_corners), across = taps(in.width, out.width, align_corners);
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    const auto at = static_cast<std::size_t>(y);
    float* mixed = load_own(in, block, down.low[at], buffers[0]);
    axpby(mixed, 1 - down.share[at], load(in, block, down.high[at], buffers[1]), down.share[at], in.row());
    buffers[2].resize(static_cast<std::size_t>(out.row()));
    for (std::size_t x = 0; x < across.low.size(); ++x) {
      const float* low = mixed + static_cast<std::ptrdiff_t>(across.low[x]) * in.block;
      const float* high = mixed + static_cast<std::ptrdiff_t>(across.high[x]) * in.block;
      float* to = buffers[2].data() + x * static_cast<std::size_t>(in.block);
      for (int c = 0; c < in.block; ++c) to[c] = low[c] + (high[c] - low[c]) * across.share[x];
    }
    store(out, block, y, buffers[2].data());
  });
}

void pad(const View& in, const std::array<int, 4>& border, Border kind, const View& out) {
  const auto sources = [kind](int size, int before, int length) {
    std::vector<int> result;
    for (int i = 0; i < length; ++i) result.push_back(padded_source(i, before, size, kind));
    return result;
  };
  remap(in, sources(in.height, border[2], out.height), sources(in.width, border[0], out.width), out);
}

}  // namespace ganvas::engine
