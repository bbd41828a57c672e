#include "engine/kernels/row_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/kernels/lanes.hpp"

#if defined(__x86_64__) && defined(__gnu_linux__)
#include <immintrin.h>
#endif

namespace ganvas::engine {

namespace {

GANVAS_IN_LANES void narrow_by_integers_loop(const float* in, std::uint16_t* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, in + i, 4);
    const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    out[i] = static_cast<std::uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x40 : rounded);
  }
}
GANVAS_FOR_MACHINES(narrow_by_integers, (const float* in, std::uint16_t* out, std::int64_t count), (in, out, count))

#if defined(__x86_64__) && defined(__gnu_linux__)
// What the compiler doesn't make of loops: the instructions that round to bf16.
#define GANVAS_BF16_CODE __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

bool has_bf16_code() { return cpu_has(Isa::avx512_bf16); }

/// Values in `lanes` alone; the others are 0 and stay as they are in memory.
GANVAS_BF16_CODE inline __m512 load_bf16(const std::uint16_t* from, __mmask16 lanes) {
  const __m512i wide = _mm512_maskz_cvtepu16_epi32(lanes, _mm256_maskz_loadu_epi16(lanes, from));
  return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(lanes, wide, 16));
}
GANVAS_BF16_CODE inline void store_bf16(std::uint16_t* to, __mmask16 lanes, __m512 values) {
  _mm256_mask_storeu_epi16(to, lanes, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
}
inline __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : (1U << count) - 1);
}

GANVAS_BF16_CODE
void narrow_natively(const float* in, std::uint16_t* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = first_lanes(count - i);
    store_bf16(out + i, lanes, _mm512_maskz_loadu_ps(lanes, in + i));
  }
}

GANVAS_BF16_CODE
void leak_natively(std::uint16_t* x, const float* slopes, std::int64_t pixels, int block) {
  for (int first = 0; first < block; first += 16) {
    const __mmask16 lanes = first_lanes(block - first);
    const __m512 slope = _mm512_maskz_loadu_ps(lanes, slopes + first), zero = _mm512_setzero_ps();
    std::uint16_t* at = x + first;
    for (std::int64_t p = 0; p < pixels; ++p, at += block) {
      const __m512 value = load_bf16(at, lanes);
      const __mmask16 below = _mm512_cmp_ps_mask(value, zero, _CMP_LT_OQ);
      store_bf16(at, lanes, _mm512_mask_mul_ps(value, below, value, slope));
    }
  }
}

GANVAS_BF16_CODE
void leak_to_int8_natively(const std::uint16_t* x, const float* slopes, float factor, float zero, std::uint8_t* out,
                           std::int64_t pixels, int block) {
  const __m512 factors = _mm512_set1_ps(factor), zeros = _mm512_set1_ps(zero), low = _mm512_setzero_ps(),
               high = _mm512_set1_ps(255);
  for (int first = 0; first < block; first += 16) {
    const __mmask16 lanes = first_lanes(block - first);
    const __m512 slope = _mm512_maskz_loadu_ps(lanes, slopes + first);
    const std::uint16_t* from = x + first;
    std::uint8_t* to = out + first;
    for (std::int64_t p = 0; p < pixels; ++p, from += block, to += block) {
      __m512 value = load_bf16(from, lanes);
      value = _mm512_mask_mul_ps(value, _mm512_cmp_ps_mask(value, low, _CMP_LT_OQ), value, slope);
      value = _mm512_maskz_min_ps(lanes, _mm512_maskz_max_ps(lanes, _mm512_fmadd_ps(value, factors, zeros), low), high);
      const __m512i whole = _mm512_maskz_cvtps_epi32(lanes, value);  // to the nearest, ties to even
      _mm_mask_storeu_epi8(to, lanes, _mm512_maskz_cvtepi32_epi8(lanes, whole));
    }
  }
}
#endif

}  // namespace

GANVAS_IN_LANES void widen_loop(const std::uint16_t* in, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(in[i]) << 16;
    std::memcpy(out + i, &bits, 4);
  }
}
GANVAS_FOR_MACHINES(widen, (const std::uint16_t* in, float* out, std::int64_t count), (in, out, count))

void narrow(const float* in, std::uint16_t* out, std::int64_t count) {
#ifdef GANVAS_BF16_CODE
  if (has_bf16_code()) return narrow_natively(in, out, count);
#endif
  narrow_by_integers(in, out, count);
}

GANVAS_IN_LANES void to_int8_loop(const float* in, float factor, float zero, std::uint8_t* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = static_cast<std::uint8_t>(std::nearbyint(std::clamp(in[i] * factor + zero, 0.0F, 255.0F)));
}
GANVAS_FOR_MACHINES(to_int8, (const float* in, float factor, float zero, std::uint8_t* out, std::int64_t count),
                    (in, factor, zero, out, count))

GANVAS_IN_LANES void axpby_loop(float* a, float alpha, const float* b, float beta, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) a[i] = alpha * a[i] + beta * b[i];
}
GANVAS_FOR_MACHINES(axpby, (float* a, float alpha, const float* b, float beta, std::int64_t count),
                    (a, alpha, b, beta, count))

GANVAS_IN_LANES void add_squares_loop(const float* x, int count, float* sums) {
  for (int c = 0; c < count; ++c) sums[c] += x[c] * x[c];
}
GANVAS_FOR_MACHINES(add_squares, (const float* x, int count, float* sums), (x, count, sums))

GANVAS_IN_LANES void scale_shift_loop(float* x, const float* scale, const float* shift, std::int64_t pixels,
                                      int block) {
  for (std::int64_t p = 0; p < pixels; ++p)
    for (int c = 0; c < block; ++c) x[p * block + c] = x[p * block + c] * scale[c] + shift[c];
}
GANVAS_FOR_MACHINES(scale_shift, (float* x, const float* scale, const float* shift, std::int64_t pixels, int block),
                    (x, scale, shift, pixels, block))

GANVAS_IN_LANES void leak_loop(float* x, const float* slopes, std::int64_t pixels, int block) {
  for (std::int64_t p = 0; p < pixels; ++p)
    for (int c = 0; c < block; ++c) {
      const float value = x[p * block + c];
      x[p * block + c] = std::max(value, 0.0F) + slopes[c] * std::min(value, 0.0F);
    }
}
GANVAS_FOR_MACHINES(leak, (float* x, const float* slopes, std::int64_t pixels, int block), (x, slopes, pixels, block))

void leak(std::uint16_t* x, const float* slopes, std::int64_t pixels, int block) {
#ifdef GANVAS_BF16_CODE
  if (has_bf16_code()) return leak_natively(x, slopes, pixels, block);
#endif
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (int c = 0; c < block; ++c) {
      float value;
      widen(x + p * block + c, &value, 1);
      if (value < 0) value *= slopes[c];
      narrow_by_integers(&value, x + p * block + c, 1);
    }
  }
}

void leak_to_int8(const std::uint16_t* x, const float* slopes, float factor, float zero, std::uint8_t* out,
                  std::int64_t pixels, int block) {
#ifdef GANVAS_BF16_CODE
  if (has_bf16_code()) return leak_to_int8_natively(x, slopes, factor, zero, out, pixels, block);
#endif
  std::vector<float> pixel(static_cast<std::size_t>(block));
  for (std::int64_t p = 0; p < pixels; ++p, x += block, out += block) {
    widen(x, pixel.data(), block);
    leak(pixel.data(), slopes, 1, block);
    to_int8(pixel.data(), factor, zero, out, block);
  }
}

}  // namespace ganvas::engine
