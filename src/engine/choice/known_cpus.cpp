#include "engine/choice/known_cpus.hpp"

namespace ganvas::engine {

namespace {

// Multiplications and additions a second, on two cores of a Sapphire Rapids (oneDNN 2.6.3, a 3x3 convolution of 64
// channels at 256x256 with leaky ReLU). What matters is how they compare.
constexpr double by_tiles = 625e9, half_by_vectors = 158e9, by_vectors = 261e9, together_by_vectors = 242e9,
                 by_loops = 1e9;
/// Bytes a second that are read and written again in another order.
constexpr double copied = 8e9;

/// AMD's Zen 4 and 5.
bool is_zen(const CpuFacts& cpu) {
  return cpu.has_bf16 && !cpu.has_amx_bf16 && cpu.name.find("AMD") != std::string::npos;
}

}  // namespace

Habit habit_of(const CpuFacts& cpu, bool half) {
  if (cpu.has_amx_bf16) return half ? Habit::tiles : Habit::blocks;
  // AMD's Zen 4 and 5: blocks in fp32 and bf16 alike are the faster ones, and what int8 needs.
  return is_zen(cpu) ? Habit::blocks : Habit::measured;
}

bool bf16_always_pays(const CpuFacts& cpu) { return is_zen(cpu); }

// On a Zen 4, processor time: SPAN of 48 features 0.36 -> 0.23 s in bf16, 0.62 -> 0.41 s in fp32; RealPLKSR 1.13 ->
// 0.97 s.
bool paired_rows_pay(const CpuFacts& cpu) { return is_zen(cpu); }

double TileCosts::convolution(NodeId id, bool together) {
  const std::string implementation = implementation_(id, together);
  const double rate = implementation.find("amx") != std::string::npos   ? by_tiles
                      : implementation.find("ref") != std::string::npos ? by_loops
                      : half_                                           ? half_by_vectors
                      : together                                        ? together_by_vectors
                                                                        : by_vectors;
  const View& result = layouts_[id];
  return 2 * graph_[id]->multiply_adds(static_cast<double>(result.height) * result.width) / rate;
}

double TileCosts::copying(double bytes) { return 2 * bytes / copied; }

}  // namespace ganvas::engine
