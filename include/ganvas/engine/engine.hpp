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

/// How the channels of features lie in memory: in blocks of what one instruction takes, or all channels of a pixel
/// together (nhwc).
enum class FeatureLayout {
  automatic,  ///< for each value what is fastest on this machine
  blocks,     ///< together only in strips (convolutions with PReLU) and in int8
  together
};

/// Memory for features. Engines may share it of which never two run at the same time: fresh memory costs the system's
/// time, page by page.
class EngineMemory;
std::shared_ptr<EngineMemory> make_engine_memory();

struct EngineOptions {
  bool bf16 = false;           ///< features in bf16 where the machine has it
  bool unless_slower = false;  ///< and there alone where that is no slower than fp32, as far as known or measured
  std::string int8_record;     ///< of Int8Calibration: convolutions in int8; empty: none
  FeatureLayout layout = FeatureLayout::automatic;  ///< the others: for tests and measurements
  std::shared_ptr<EngineMemory> memory{};           ///< null: of its own
  bool compared = true;  ///< with the network's own result; needless for one that differs from another in weights alone
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
  /// How the last picture's features lay, in words.
  std::string layouts() const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  /// What run() should give in int8, computed by LibTorch in fp32.
  torch::Tensor simulated(const torch::Tensor& picture) const;
  std::unique_ptr<State> state_;
};

}  // namespace ganvas
