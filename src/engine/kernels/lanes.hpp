#pragma once

#include "ganvas/core/isa.hpp"

/// Values that are worked on together, in one register: 16, 8 or 4 of them, as the machine has it. Loops over values
/// that compilers make no good vector code of are templates over that number, and GANVAS_FOR_LANES makes functions of
/// them of which the right one is taken when the program runs. (target_clones compiles one text for all machines,
/// whose registers differ.)
namespace ganvas::engine {

/// Memory for lanes of any machine comes in such runs.
inline constexpr int lane_run = 16;
constexpr int whole_runs(int size) { return (size + lane_run - 1) / lane_run * lane_run; }

#define GANVAS_IN_LANES inline __attribute__((always_inline))

// One by one: GCC 12 forgets the attributes of types that depend on a template's number.
template <int N>
struct LanesOf;
template <>
struct LanesOf<16> {
  typedef float Type __attribute__((vector_size(64), aligned(4), may_alias));
  typedef int Bits __attribute__((vector_size(64), aligned(4), may_alias));
};
template <>
struct LanesOf<8> {
  typedef float Type __attribute__((vector_size(32), aligned(4), may_alias));
  typedef int Bits __attribute__((vector_size(32), aligned(4), may_alias));
};
template <>
struct LanesOf<4> {
  typedef float Type __attribute__((vector_size(16), aligned(4), may_alias));
  typedef int Bits __attribute__((vector_size(16), aligned(4), may_alias));
};
template <int N>
using Lanes = typename LanesOf<N>::Type;

template <int N>
GANVAS_IN_LANES const Lanes<N>& lanes_at(const float* p) {
  return *reinterpret_cast<const Lanes<N>*>(p);
}
template <int N>
GANVAS_IN_LANES Lanes<N>& lanes_at(float* p) {
  return *reinterpret_cast<Lanes<N>*>(p);
}

template <int N, bool largest>
GANVAS_IN_LANES void combine_lanes(Lanes<N>& a, const Lanes<N>& b) {
  if constexpr (largest) a = a > b ? a : b;
  else a += b;
}
/// Every lane becomes the largest, or the sum, of all.
template <int N, bool largest>
GANVAS_IN_LANES void reduce_lanes(Lanes<N>& x) {
  typename LanesOf<N>::Bits places{};
  for (int i = 0; i < N; ++i) places[i] = i;
  for (int half = N / 2; half > 0; half /= 2) combine_lanes<N, largest>(x, __builtin_shuffle(x, places ^ half));
}

/// e^x of x <= 88, to 2 units in the last place; below -87 that of -87. (The polynomial is that of Moshier's Cephes.)
template <int N>
GANVAS_IN_LANES void exp_lanes(Lanes<N>& x) {
  using Bits = typename LanesOf<N>::Bits;
  const Lanes<N> least = Lanes<N>{} - 87.0F;
  x = x > least ? x : least;
  // Adding this rounds to a whole number, which then stands in the lowest bits.
  constexpr float rounder = 12582912.0F;
  const Lanes<N> shifted = x * 1.44269504F + rounder, whole = shifted - rounder;
  const Lanes<N> r = x - whole * 0.693359375F + whole * 2.12194440e-4F;
  Lanes<N> p = Lanes<N>{} + 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const Bits result = reinterpret_cast<const Bits&>(p) + (reinterpret_cast<const Bits&>(shifted) << 23);
  x = reinterpret_cast<const Lanes<N>&>(result);
}

/// void name(parameters): runs name_in_lanes<N>(arguments) for the machine at hand.
#if defined(__x86_64__)
#define GANVAS_FOR_LANES(name, parameters, arguments)                                                 \
  __attribute__((target("avx512f,fma"))) void name##_16 parameters { name##_in_lanes<16> arguments; } \
  __attribute__((target("avx2,fma"))) void name##_8 parameters { name##_in_lanes<8> arguments; }      \
  void name parameters {                                                                              \
    static const int wide = cpu_has(Isa::avx512) ? 16 : cpu_has(Isa::avx2) ? 8 : 4;                   \
    if (wide == 16) return name##_16 arguments;                                                       \
    if (wide == 8) return name##_8 arguments;                                                         \
    name##_in_lanes<4> arguments;                                                                     \
  }
#else
#define GANVAS_FOR_LANES(name, parameters, arguments) \
  void name parameters { name##_in_lanes<4> arguments; }
#endif

/// The same for loops that compilers make good vector code of: runs name_loop(arguments), compiled for each machine.
/// (As target_clones would, which GANVAS_MAX_ISA can't cap.)
#if defined(__x86_64__)
#define GANVAS_FOR_MACHINES(name, parameters, arguments)                                               \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void name##_avx512 parameters { \
    name##_loop arguments;                                                                             \
  }                                                                                                    \
  __attribute__((target("avx2"))) static void name##_avx2 parameters { name##_loop arguments; }        \
  void name parameters {                                                                               \
    if (cpu_has(Isa::avx512)) return name##_avx512 arguments;                                          \
    if (cpu_has(Isa::avx2)) return name##_avx2 arguments;                                              \
    name##_loop arguments;                                                                             \
  }
#else
#define GANVAS_FOR_MACHINES(name, parameters, arguments) \
  void name parameters { name##_loop arguments; }
#endif

}  // namespace ganvas::engine
