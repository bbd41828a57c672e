#pragma once

#include <torch/types.h>

#include <memory>
#include <string>

#include "ganvas/nn/generator.hpp"

namespace ganvas {

/// Whether the engine has bf16 on this machine: without native instructions (AVX-512 BF16) fp32 is faster.
bool engine_has_bf16();

/// Whether this machine multiplies int8 natively (AVX-512 VNNI): elsewhere int8 is right, but hardly faster than fp32.
bool engine_has_int8();

struct EngineOptions {
  bool bf16 = false;        ///< features in bf16 where the machine has it
  std::string int8_record;  ///< of Int8Calibration: convolutions in int8; empty: none
};

/// Runs a generator on the CPU without LibTorch: its trace, folded and laid out once for every picture size, on
/// oneDNN's fused primitives. Not for several threads at once.
class Engine {
 public:
  /// Compiles the network as it is now and compares the result with the network's own on a small picture. Null with the
  /// reason in `why` when it has operators that the engine doesn't know, or when the results differ.
  static std::unique_ptr<Engine> compile(Generator& network, const EngineOptions& options, std::string& why);
  ~Engine();

  /// 1 x C x H x W in the network's value range, fp32 -> the network's result, channels_last. Any H and W of at
  /// least 1. Throws std::bad_alloc when the features don't fit the free memory.
  torch::Tensor run(const torch::Tensor& picture);

  bool bf16() const;
  bool int8() const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  /// What run() should give in int8, computed by LibTorch in fp32.
  torch::Tensor simulated(const torch::Tensor& picture) const;
  std::unique_ptr<State> state_;
};

}  // namespace ganvas
