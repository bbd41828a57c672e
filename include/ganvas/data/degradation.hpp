#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ganvas/core/recipe.hpp"
#include "ganvas/imaging/degrade.hpp"

namespace ganvas {

/// How low-resolution pictures are made from good ones, as a recipe says.
struct Degradation {
  enum class Kind { real_esrgan, bsrgan };
  Kind kind = Kind::real_esrgan;
  DegradeOptions real_esrgan;
  BsrganOptions bsrgan;
  /// Low-resolution pixels around a training crop that are degraded with it, so that its border has neighbours: blurs
  /// reach across it, and JPEG's blocks lie anywhere.
  int margin = 8;

  /// To floor(size / scale), all from `rng`.
  Image apply(const Image& hr, int scale, Rng& rng) const;
  /// The same for picture `index` of a set, always alike: validation pictures, and `ganvas data degrade`.
  Image apply(const Image& hr, int scale, std::uint64_t seed, std::uint64_t index) const;
};

/// Seed of validation pictures (and default of `ganvas data degrade`, which thus makes the same ones).
inline constexpr std::uint64_t validation_seed = 1;

/// Recipe table `prefix`. `kind` = "none" (nullopt; no other key is known), "real-esrgan" or "bsrgan"; then `margin`
/// and all fields of DegradeOptions in the tables `first`, `second` and `final` with `jpeg_quality` between them, or
/// those of BsrganOptions; the published defaults. Ranges are lists [low, high]. Errors are Error(recipe) with the key.
std::optional<Degradation> read_degradation(Recipe& recipe, const std::string& prefix = "degrade");

}  // namespace ganvas
