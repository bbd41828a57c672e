#pragma once

#include <string>
#include <vector>

#include "ganvas/nn/generator.hpp"

namespace ganvas {

/// Convolutions of one kind in one layout and precision, as they were timed.
struct TunedConvolution {
  std::string shape;           ///< "64 -> 64, 3x3 at 256x256"
  int count = 0;               ///< so many of the kind
  std::string precision;       ///< "fp32", "bf16", "int8"
  bool together = false;       ///< all channels of a pixel, or in blocks
  std::string implementation;  ///< oneDNN's name for its code; empty: it has none
  double seconds = 0;          ///< of one; infinite where there is none
  bool timed = true;           ///< false: there was no time left, and it is a guess
};

/// What was chosen for one precision of the features.
struct TunedPrecision {
  std::string precision;  ///< "fp32" or "bf16"
  double seconds = 0;     ///< convolutions and copies of one picture
  std::string layouts;    ///< in words
};

struct Tuning {
  std::vector<TunedConvolution> convolutions;
  std::vector<TunedPrecision> chosen;
};

/// Times the convolutions of a network for pictures of one size on this machine and keeps what is fastest in the user's
/// cache, where the engine finds it. `int8_record`: as in EngineOptions. Throws Error(model) for networks that the
/// engine doesn't know, Error(usage) in a build without oneDNN.
Tuning tune_engine(Generator& network, const std::string& int8_record, int height, int width);

}  // namespace ganvas
