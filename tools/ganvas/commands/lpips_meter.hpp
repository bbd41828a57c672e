#pragma once

#include <string>

#include "commands/options/lpips.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/loss/lpips.hpp"

namespace ganvas::cli {

/// LPIPS between pictures.
class LpipsMeter {
 public:
  LpipsMeter(const LpipsRequest& request, const std::string& device);
  /// "lpips" for the published SqueezeNet variant; others are named beside it, since their figures don't compare.
  std::string name() const;
  /// Whole pictures, 8 bit; where sizes differ, their common upper left part. Gray counts as RGB, alpha is ignored.
  double distance(const Image& result, const Image& reference) const;

 private:
  Lpips lpips_;
  torch::Device device_;
};

}  // namespace ganvas::cli
