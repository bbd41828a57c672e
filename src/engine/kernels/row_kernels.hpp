#pragma once

#include <cstdint>

/// Loops over the values of a row, in vector code for the machine at hand that is chosen when the program runs. bf16 is
/// the upper half of an fp32's bits.
namespace ganvas::engine {

void widen(const std::uint16_t* in, float* out, std::int64_t count);
/// To the nearest, ties to even; NaN stays NaN. Values below the smallest normal number may become 0.
void narrow(const float* in, std::uint16_t* out, std::int64_t count);

/// round(in * factor + zero), limited to 0..255.
void to_int8(const float* in, float factor, float zero, std::uint8_t* out, std::int64_t count);

/// a = alpha a + beta b.
void axpby(float* a, float alpha, const float* b, float beta, std::int64_t count);

/// sums += x * x.
void add_squares(const float* x, int count, float* sums);

/// Pixels of `block` channels: one factor and one term a channel.
void scale_shift(float* x, const float* scale, const float* shift, std::int64_t pixels, int block);

/// PReLU: values below 0 times their channel's slope.
void leak(float* x, const float* slopes, std::int64_t pixels, int block);
/// The same on bf16 in place, in registers: several times as fast as by way of fp32 in memory.
void leak(std::uint16_t* x, const float* slopes, std::int64_t pixels, int block);
/// The same, then to_int8().
void leak_to_int8(const std::uint16_t* x, const float* slopes, float factor, float zero, std::uint8_t* out,
                  std::int64_t pixels, int block);

}  // namespace ganvas::engine
