#include "engine/kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace ganvas::engine {

namespace {

// Vector code for the machine at hand, chosen when the program starts.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__)
#define GANVAS_VECTOR_CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define GANVAS_VECTOR_CLONES
#endif

GANVAS_VECTOR_CLONES
void widen(const std::uint16_t* in, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(in[i]) << 16;
    std::memcpy(out + i, &bits, 4);
  }
}

/// To the nearest, ties to even; NaN stays NaN.
GANVAS_VECTOR_CLONES
void narrow(const float* in, std::uint16_t* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, in + i, 4);
    const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    out[i] = static_cast<std::uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x40 : rounded);
  }
}

GANVAS_VECTOR_CLONES
void to_int8(const float* in, float factor, float zero, std::uint8_t* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = static_cast<std::uint8_t>(std::nearbyint(std::clamp(in[i] * factor + zero, 0.0F, 255.0F)));
}

GANVAS_VECTOR_CLONES
void axpby(float* a, float alpha, const float* b, float beta, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) a[i] = alpha * a[i] + beta * b[i];
}

GANVAS_VECTOR_CLONES
void scale_shift(float* x, const float* scale, const float* shift, std::int64_t pixels, int block) {
  for (std::int64_t p = 0; p < pixels; ++p)
    for (int c = 0; c < block; ++c) x[p * block + c] = x[p * block + c] * scale[c] + shift[c];
}

GANVAS_VECTOR_CLONES
void leak(float* x, const float* slopes, std::int64_t pixels, int block) {
  for (std::int64_t p = 0; p < pixels; ++p)
    for (int c = 0; c < block; ++c) {
      const float value = x[p * block + c];
      x[p * block + c] = std::max(value, 0.0F) + slopes[c] * std::min(value, 0.0F);
    }
}

std::int64_t row_start(const View& view, int block, int y) {
  return (static_cast<std::int64_t>(block) * view.height + y) * view.row();
}

/// A row of one block in fp32; in `buffer` where it is stored otherwise.
const float* load(const View& view, int block, int y, std::vector<float>& buffer) {
  const std::int64_t start = row_start(view, block, y);
  if (view.element == Element::fp32) return static_cast<const float*>(view.data) + start;
  buffer.resize(static_cast<std::size_t>(view.row()));
  widen(static_cast<const std::uint16_t*>(view.data) + start, buffer.data(), view.row());
  return buffer.data();
}

void store(const View& view, int block, int y, const float* row) {
  const std::int64_t start = row_start(view, block, y);
  if (view.element == Element::bf16) narrow(row, static_cast<std::uint16_t*>(view.data) + start, view.row());
  else std::memcpy(static_cast<float*>(view.data) + start, row, static_cast<std::size_t>(view.row()) * 4);
}

/// Calls `work(block, y, buffers)` for every row of every block, on all threads.
template <typename Work>
void for_rows(const View& view, Work work) {
  const std::int64_t count = static_cast<std::int64_t>(view.blocks()) * view.height;
#pragma omp parallel
  {
    std::vector<float> buffers[3];
#pragma omp for
    for (std::int64_t i = 0; i < count; ++i)
      work(static_cast<int>(i / view.height), static_cast<int>(i % view.height), buffers);
  }
}

/// A row that may be changed.
float* load_own(const View& view, int block, int y, std::vector<float>& buffer) {
  const float* row = load(view, block, y, buffer);
  if (row != buffer.data()) buffer.assign(row, row + view.row());
  return buffer.data();
}

std::vector<float> filled_up(std::vector<float> values, const View& view) {
  if (values.size() == 1) values.assign(static_cast<std::size_t>(view.channels), values[0]);
  values.resize(static_cast<std::size_t>(view.blocks() * view.block), 0.0F);
  return values;
}

/// One channel's values of a row, with `step` between them.
struct Channel {
  const float* first;
  int step;
};

/// All blocks' rows at one y.
class Rows {
 public:
  void load_all(const View& view, int y) {
    view_ = &view;
    buffers_.resize(static_cast<std::size_t>(view.blocks()));
    rows_.resize(buffers_.size());
    for (int b = 0; b < view.blocks(); ++b)
      rows_[static_cast<std::size_t>(b)] = load(view, b, y, buffers_[static_cast<std::size_t>(b)]);
  }
  Channel channel(int c) const {
    return {rows_[static_cast<std::size_t>(c / view_->block)] + c % view_->block, view_->block};
  }

 private:
  const View* view_ = nullptr;
  std::vector<std::vector<float>> buffers_;
  std::vector<const float*> rows_;
};

/// Calls `work(y, rows)` on all threads, with memory of its own for each.
template <typename Work>
void for_lines(int height, Work work) {
#pragma omp parallel
  {
    Rows rows[2];
    std::vector<float> line;
#pragma omp for
    for (int y = 0; y < height; ++y) work(y, rows, line);
  }
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

void activate(const View& in, const View& out, Activation activation, double slope, const float* slopes) {
  std::vector<float> own(slopes, slopes ? slopes + in.channels : slopes);
  if (!slopes) own.assign(1, activation == Activation::leaky_relu ? static_cast<float>(slope) : 0.0F);
  own = filled_up(std::move(own), in);
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

namespace {

/// Sums of each channel and of its squares around the first pixel's value, in double.
void moments(const View& in, std::vector<double>& mean, std::vector<double>& variance) {
  const auto count = static_cast<std::size_t>(in.blocks() * in.block);
  mean.assign(count, 0);
  variance.assign(count, 0);
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
      mean[place] = shifted + around[c];
      variance[place] = std::max(0.0, square[c] / pixels - shifted * shifted);
    }
  }
}

}  // namespace

void instance_norm(const View& in, double eps, const std::vector<float>& scale, const std::vector<float>& shift,
                   const View& out) {
  std::vector<double> mean, variance;
  moments(in, mean, variance);
  std::vector<float> factors(static_cast<std::size_t>(in.channels)), terms(factors);
  for (std::size_t c = 0; c < factors.size(); ++c) {
    const double factor = (scale.empty() ? 1.0 : scale[c]) / std::sqrt(variance[c] + eps);
    factors[c] = static_cast<float>(factor);
    terms[c] = static_cast<float>((shift.empty() ? 0.0 : shift[c]) - mean[c] * factor);
  }
  affine(in, factors, terms, out);
}

void mean(const View& in, const View& out) {
  std::vector<double> means, variance;
  moments(in, means, variance);
  for (int block = 0; block < out.blocks(); ++block) {
    std::vector<float> pixel(static_cast<std::size_t>(out.block), 0.0F);
    for (int c = 0; c < out.block && block * out.block + c < out.channels; ++c)
      pixel[static_cast<std::size_t>(c)] = static_cast<float>(means[static_cast<std::size_t>(block * out.block + c)]);
    store(out, block, 0, pixel.data());
  }
}

}  // namespace ganvas::engine
