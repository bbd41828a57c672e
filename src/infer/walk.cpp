#include "infer/walk.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace ganvas {

using torch::Tensor;

namespace {

/// Great-circle arc between directions, straight between lengths.
Tensor slerp(const Tensor& a, const Tensor& b, double share) {
  const double length_a = a.norm().item<double>(), length_b = b.norm().item<double>();
  if (length_a < 1e-12 || length_b < 1e-12) return torch::lerp(a, b, share);
  const double cosine = (a * b).sum().item<double>() / (length_a * length_b);
  const double angle = std::acos(std::clamp(cosine, -1.0, 1.0)), sine = std::sin(angle);
  // The same direction, or the opposite one, to which there is no single shortest way.
  if (sine < 1e-6) return torch::lerp(a, b, share);
  const double length = length_a + share * (length_b - length_a);
  return a * (length * std::sin((1 - share) * angle) / (sine * length_a)) +
         b * (length * std::sin(share * angle) / (sine * length_b));
}

/// Through b (share 0) and c (share 1), with the slopes that their neighbours give (Catmull and Rom 1974).
Tensor catmull_rom(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, double t) {
  return 0.5 * (2 * b + t * (c - a) + t * t * (2 * a - 5 * b + 4 * c - d) + t * t * t * (3 * b - 3 * c + d - a));
}

}  // namespace

Tensor walked(const std::vector<Tensor>& stops, double place, WalkPath path, bool loop) {
  const auto count = static_cast<std::int64_t>(stops.size());
  const std::int64_t ways = loop ? count : count - 1;
  const std::int64_t from = std::clamp<std::int64_t>(static_cast<std::int64_t>(place), 0, ways - 1);
  const double share = place - static_cast<double>(from);
  const auto stop = [&](std::int64_t at) {
    return stops[static_cast<std::size_t>(loop ? (at + count) % count : std::clamp<std::int64_t>(at, 0, count - 1))];
  };
  switch (path) {
    case WalkPath::slerp:
      return slerp(stop(from), stop(from + 1), share);
    case WalkPath::cubic:
      return catmull_rom(stop(from - 1), stop(from), stop(from + 1), stop(from + 2), share);
    case WalkPath::automatic:
    case WalkPath::linear:
      break;
  }
  return torch::lerp(stop(from), stop(from + 1), share);
}

}  // namespace ganvas
