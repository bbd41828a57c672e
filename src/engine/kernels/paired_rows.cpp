#include "engine/kernels/paired_rows.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "engine/kernels/lanes.hpp"
#include "engine/kernels/row_kernels.hpp"

#if defined(__x86_64__) && defined(__gnu_linux__)
#include <immintrin.h>
#define GANVAS_PAIRS_CODE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma")))
#endif

namespace ganvas::engine {

namespace {

constexpr int lanes = 16, columns = 4, rows = 3;  // of a block; of a pair's products; of the kernel
constexpr int most_blocks = 4;

/// Along a row of the kernel: what the four products take.
std::array<float, columns> transformed(const float* g) {
  return {g[0], 0.5F * (g[0] + g[1] + g[2]), 0.5F * (g[0] - g[1] + g[2]), g[2]};
}

int whole_blocks(int channels) { return (channels + lanes - 1) / lanes; }

}  // namespace

PairedRows::PairedRows(int in, int out, std::span<const float> weight, std::span<const float> bias,
                       PairedActivation activation, bool half)
    : in_(whole_blocks(in) * lanes), out_(whole_blocks(out) * lanes), half_(half), activation_(activation) {
  bias_.assign(static_cast<std::size_t>(out_), 0.0F);
  std::ranges::copy(bias, bias_.begin());
  const int all = out_ / lanes, parts = (all + most_blocks - 1) / most_blocks;
  std::vector<float> packed(static_cast<std::size_t>(in_) * out_ * columns * rows, 0.0F);
  const int each = half ? 2 : 1;  // channels beside one another
  std::size_t begin = 0;
  for (int part = 0; part < parts; ++part) {
    const int first = all * part / parts, blocks = all * (part + 1) / parts - first, results = blocks * lanes;
    groups_.push_back({first, blocks, begin});
    for (int o = 0; o < std::min(results, out - first * lanes); ++o)
      for (int i = 0; i < in; ++i)
        for (int row = 0; row < rows; ++row) {
          const float* taps = weight.data() + ((static_cast<std::size_t>(first * lanes + o) * in + i) * rows + row) * 3;
          const std::array<float, columns> values = transformed(taps);
          for (int k = 0; k < columns; ++k) {
            const std::size_t run = (static_cast<std::size_t>(k) * rows + row) * (in_ / each) + i / each;
            packed[begin + (run * results + o) * each + i % each] = values[static_cast<std::size_t>(k)];
          }
        }
    begin += static_cast<std::size_t>(in_) * results * columns * rows;
  }
  if (!half) {
    weights_ = std::move(packed);
    return;
  }
  half_weights_.resize(packed.size());
  narrow(packed.data(), half_weights_.data(), static_cast<std::int64_t>(packed.size()));
}

#ifdef GANVAS_PAIRS_CODE

bool PairedRows::runs_here() { return cpu_has(Isa::avx512_bf16); }

namespace {

/// A part of the picture that a thread does: what it reads, transformed, stays in the second-level cache.
constexpr int most_pairs = 128, most_rows = 32;

/// Pairs that are computed together, by result blocks, so that all sums stay in registers.
constexpr int pairs_of(int blocks) { return blocks == 4 ? 6 : 8; }
constexpr int spare_pairs = 8;

constexpr __mmask16 whole = 0xffff;  // GCC 12 warns of what the forms without a mask leave undefined

GANVAS_PAIRS_CODE inline __m512 read(const float* from) { return _mm512_loadu_ps(from); }
GANVAS_PAIRS_CODE inline __m512 read(const std::uint16_t* from) {
  const __m256i narrow = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(whole, _mm512_maskz_cvtepu16_epi32(whole, narrow), 16));
}
GANVAS_PAIRS_CODE inline void write(float* to, __m512 x) { _mm512_storeu_ps(to, x); }
GANVAS_PAIRS_CODE inline void write(std::uint16_t* to, __m512 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
}

/// sums[t][b] += of the group's block b and pair t; one channel, or two beside one another in bf16.
template <int blocks, int pairs>
GANVAS_PAIRS_CODE inline void multiply(const float* x, int in, const float*& weights, __m512 (&sums)[pairs][blocks]) {
  for (int c = 0; c < in; ++c, weights += blocks * lanes) {
    __m512 w[blocks];
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b) w[b] = _mm512_loadu_ps(weights + b * lanes);
#pragma GCC unroll 8
    for (int t = 0; t < pairs; ++t) {
      const __m512 value = _mm512_set1_ps(x[static_cast<std::ptrdiff_t>(t) * in + c]);
#pragma GCC unroll 4
      for (int b = 0; b < blocks; ++b) sums[t][b] = _mm512_fmadd_ps(w[b], value, sums[t][b]);
    }
  }
}
template <int blocks, int pairs>
GANVAS_PAIRS_CODE inline void multiply(const std::uint16_t* x, int in, const std::uint16_t*& weights,
                                       __m512 (&sums)[pairs][blocks]) {
  for (int c = 0; c < in; c += 2, weights += 2 * blocks * lanes) {
    __m512i w[blocks];
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b) w[b] = _mm512_loadu_si512(weights + 2 * b * lanes);
#pragma GCC unroll 8
    for (int t = 0; t < pairs; ++t) {
      int both;
      __builtin_memcpy(&both, x + static_cast<std::ptrdiff_t>(t) * in + c, 4);
      const __m512i value = _mm512_set1_epi32(both);
#pragma GCC unroll 4
      for (int b = 0; b < blocks; ++b)
        sums[t][b] = _mm512_dpbf16_ps(sums[t][b], reinterpret_cast<__m512bh>(w[b]), reinterpret_cast<__m512bh>(value));
    }
  }
}

GANVAS_PAIRS_CODE inline __m512 power_of(__m512 x) {
  Lanes<16> power = reinterpret_cast<Lanes<16>>(x);
  exp_lanes<16>(power);
  return reinterpret_cast<__m512>(power);
}

GANVAS_PAIRS_CODE inline __m512 activated(const PairedActivation& activation, __m512 x) {
  using Curve = PairedActivation::Curve;
  const __m512 one = _mm512_set1_ps(1), zero = _mm512_setzero_ps();
  switch (activation.curve) {
    case Curve::none:
      return x;
    case Curve::leaky_relu:
      return _mm512_mask_mul_ps(x, _mm512_cmp_ps_mask(x, zero, _CMP_LT_OQ), x, _mm512_set1_ps(activation.slope));
    case Curve::sigmoid:
    case Curve::silu: {
      const __m512 most = _mm512_set1_ps(87), minus = _mm512_maskz_min_ps(whole, _mm512_sub_ps(zero, x), most);
      const __m512 below = _mm512_add_ps(one, power_of(minus));
      return _mm512_div_ps(activation.curve == Curve::silu ? x : one, below);
    }
    case Curve::mish: {
      // tanh(ln(1 + e^x)) = n / (n + 2) of n = e^x (e^x + 2); from 20 on that is 1.
      const __m512 power = power_of(_mm512_maskz_min_ps(whole, x, _mm512_set1_ps(20))), two = _mm512_set1_ps(2);
      const __m512 n = _mm512_mul_ps(power, _mm512_add_ps(power, two));
      return _mm512_mul_ps(x, _mm512_div_ps(n, _mm512_add_ps(n, two)));
    }
  }
  return x;
}

/// The part of the picture that a thread does, and its memory.
template <typename From>
struct Part {
  int first_pair = 0, pairs = 0, first_row = 0, count = 0;
  int border = 1;  ///< zeros around what is read
  /// Three rows of the input, transformed: columns x pairs (and some spare) x channels each. Row y lies at y % 3.
  std::vector<From> transformed;
  std::vector<float> products;  ///< columns x pairs x results of one group at a few pairs

  std::size_t column_size(int in) const { return static_cast<std::size_t>(most_pairs + spare_pairs) * in; }
  From* row(int y, int in) {
    return transformed.data() + static_cast<std::size_t>((y + rows) % rows) * columns * column_size(in);
  }
};

/// Row y of the input becomes what the four products take: d0 - d2, d1 + d2, d2 - d1, d1 - d3 of every pair's pixels.
template <typename From>
GANVAS_PAIRS_CODE void transform(const View& from, int y, int in, Part<From>& part) {
  From* const to = part.row(y, in);
  const std::size_t column = part.column_size(in);
  if (y < 0 || y >= from.height) {
    for (int k = 0; k < columns; ++k)
      std::fill_n(to + static_cast<std::size_t>(k) * column, static_cast<std::size_t>(part.pairs) * in, From{0});
    return;
  }
  for (int block = 0; block < in / lanes; ++block) {
    const From* const row =
        static_cast<const From*>(from.data) + (static_cast<std::int64_t>(block) * from.height + y) * from.row();
    const auto pixel = [&](int x) GANVAS_PAIRS_CODE {
      return x >= 0 && x < from.width ? read(row + static_cast<std::ptrdiff_t>(x) * lanes) : _mm512_setzero_ps();
    };
    const int start = 2 * part.first_pair - part.border;
    __m512 d0 = pixel(start), d1 = pixel(start + 1);
    From* at = to + static_cast<std::ptrdiff_t>(block) * lanes;
    for (int pair = 0; pair < part.pairs; ++pair, at += in) {
      const __m512 d2 = pixel(start + 2 * pair + 2), d3 = pixel(start + 2 * pair + 3);
      write(at, _mm512_sub_ps(d0, d2));
      write(at + column, _mm512_add_ps(d1, d2));
      write(at + 2 * column, _mm512_sub_ps(d2, d1));
      write(at + 3 * column, _mm512_sub_ps(d1, d3));
      d0 = d2;
      d1 = d3;
    }
  }
}

/// What is done with sums of products.
struct Ending {
  const float* bias;
  PairedActivation activation;
  float factor;
};

/// A few pairs of a row from their four products each.
template <int blocks, int pairs, typename To>
GANVAS_PAIRS_CODE void finish(const float* products, const Ending& ending, const View& to, int first_block, int y,
                              int x, int end) {
  constexpr std::ptrdiff_t column = pairs * blocks * lanes;
  for (int b = 0; b < blocks; ++b) {
    const int block = first_block + b;
    To* const row = static_cast<To*>(to.data) + (static_cast<std::int64_t>(block) * to.height + y) * to.row();
    const __m512 bias = _mm512_loadu_ps(ending.bias + static_cast<std::ptrdiff_t>(block) * lanes);
    for (int t = 0; t < pairs && x + 2 * t < end; ++t) {
      const float* m = products + (t * blocks + b) * lanes;
      const __m512 m1 = _mm512_loadu_ps(m + column), m2 = _mm512_loadu_ps(m + 2 * column);
      const __m512 pair[2] = {
          _mm512_add_ps(_mm512_add_ps(_mm512_loadu_ps(m), bias), _mm512_add_ps(m1, m2)),
          _mm512_sub_ps(_mm512_sub_ps(_mm512_add_ps(m1, bias), m2), _mm512_loadu_ps(m + 3 * column))};
      for (int i = 0; i < 2 && x + 2 * t + i < end; ++i) {
        To* const at = row + static_cast<std::ptrdiff_t>(x + 2 * t + i) * lanes;
        __m512 value = pair[i];
        if (ending.factor != 0) value = _mm512_fmadd_ps(read(at), _mm512_set1_ps(ending.factor), value);
        write(at, activated(ending.activation, value));
      }
    }
  }
}

/// One row of the result in one group of blocks.
template <int blocks, typename From, typename To>
GANVAS_PAIRS_CODE void row_of(Part<From>& part, int in, const From* weights, const Ending& ending, const View& to,
                              int first_block, int y) {
  constexpr int pairs = pairs_of(blocks);
  const int end = std::min(to.width, 2 * (part.first_pair + part.pairs));
  for (int first = 0; first < part.pairs; first += pairs) {
    const From* w = weights;
    for (int k = 0; k < columns; ++k) {
      __m512 sums[pairs][blocks];
#pragma GCC unroll 8
      for (int t = 0; t < pairs; ++t)
#pragma GCC unroll 4
        for (int b = 0; b < blocks; ++b) sums[t][b] = _mm512_setzero_ps();
      for (int row = 0; row < rows; ++row) {
        const From* x = part.row(y - part.border + row, in) + static_cast<std::size_t>(k) * part.column_size(in) +
                        static_cast<std::size_t>(first) * in;
        multiply<blocks, pairs>(x, in, w, sums);
      }
      float* products = part.products.data() + k * pairs * blocks * lanes;
#pragma GCC unroll 8
      for (int t = 0; t < pairs; ++t)
#pragma GCC unroll 4
        for (int b = 0; b < blocks; ++b) _mm512_storeu_ps(products + (t * blocks + b) * lanes, sums[t][b]);
    }
    finish<blocks, pairs, To>(part.products.data(), ending, to, first_block, y, 2 * (part.first_pair + first), end);
  }
}

template <typename From, typename To>
void run_part(Part<From>& part, const View& from, const View& to, int in, std::span<const PairedRows::Group> groups,
              const From* weights, const Ending& ending) {
  const int top = part.first_row - part.border;
  transform(from, top, in, part);
  transform(from, top + 1, in, part);
  for (int y = part.first_row; y < part.first_row + part.count; ++y) {
    transform(from, y - part.border + 2, in, part);
    for (const PairedRows::Group& group : groups) {
      const From* const own = weights + group.weights;
      switch (group.blocks) {
        case 1:
          row_of<1, From, To>(part, in, own, ending, to, group.first, y);
          break;
        case 2:
          row_of<2, From, To>(part, in, own, ending, to, group.first, y);
          break;
        case 3:
          row_of<3, From, To>(part, in, own, ending, to, group.first, y);
          break;
        case 4:
          row_of<4, From, To>(part, in, own, ending, to, group.first, y);
          break;
      }
    }
  }
}

template <typename From, typename To>
void run_all(const View& from, const View& to, int in, std::span<const PairedRows::Group> groups, const From* weights,
             const Ending& ending) {
  const int border = (to.height - from.height + rows - 1) / 2;
  const int pairs = (to.width + 1) / 2, across = (pairs + most_pairs - 1) / most_pairs;
  const int down = (to.height + most_rows - 1) / most_rows;
#pragma omp parallel
  {
    Part<From> part;
    part.border = border;
    part.transformed.assign(rows * columns * part.column_size(in), From{0});
    part.products.resize(static_cast<std::size_t>(columns) * spare_pairs * most_blocks * lanes);
#pragma omp for schedule(dynamic)
    for (int i = 0; i < across * down; ++i) {
      const int column = i % across, band = i / across;
      part.first_pair = pairs * column / across;
      part.pairs = pairs * (column + 1) / across - part.first_pair;
      part.first_row = to.height * band / down;
      part.count = to.height * (band + 1) / down - part.first_row;
      run_part<From, To>(part, from, to, in, groups, weights, ending);
    }
  }
}

}  // namespace

void PairedRows::run(const View& from, const View& to, float factor) const {
  const Ending ending{bias_.data(), activation_, factor};
  const bool half_result = to.element == Element::bf16;
  if (half_ && half_result) run_all<std::uint16_t, std::uint16_t>(from, to, in_, groups_, half_weights_.data(), ending);
  else if (half_) run_all<std::uint16_t, float>(from, to, in_, groups_, half_weights_.data(), ending);
  else run_all<float, float>(from, to, in_, groups_, weights_.data(), ending);
}

#else

bool PairedRows::runs_here() { return false; }
void PairedRows::run(const View&, const View&, float) const {}

#endif

}  // namespace ganvas::engine
