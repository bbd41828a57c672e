#pragma once

#include <string>

#include "ganvas/imaging/image.hpp"
#include "ganvas/loss/lpips.hpp"

namespace ganvas::cli {

struct LpipsOptions {
  bool on = false;
  std::string network;  ///< file or name; empty: SqueezeNet 1.1 where `model fetch` puts it
  std::string heads;    ///< file or name; empty: the network's own, else where `model fetch` puts them
};

/// LPIPS between pictures.
class LpipsMeter {
 public:
  LpipsMeter(const LpipsOptions& options, const std::string& device);
  /// "lpips" for the published SqueezeNet variant; others are named beside it, since their figures don't compare.
  std::string name() const;
  /// Whole pictures, 8 bit; where sizes differ, their common upper left part. Gray counts as RGB, alpha is ignored.
  double distance(const Image& result, const Image& reference) const;

 private:
  Lpips lpips_;
  torch::Device device_;
};

}  // namespace ganvas::cli
