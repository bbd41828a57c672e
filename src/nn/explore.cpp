#include "nn/explore.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <typeinfo>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/noise_picture.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

Tensor square_of_noise(std::int64_t channels, std::int64_t side) { return noise_picture(channels, side, side); }

/// What the network makes of side x side pixels; nothing where it refuses them.
Tensor attempt(const Unexplored& network, int channels, std::int64_t side) {
  try {
    const Tensor output = network.run(square_of_noise(channels, side));
    const bool picture = output.defined() && output.dim() == 4 && output.size(0) == 1 && output.is_floating_point() &&
                         output.numel() > 0;
    return picture ? output : Tensor();
  } catch (const Error& error) {
    // Of that kind alone: those that derive from it have more to say.
    if (error.kind() != ErrorKind::model || typeid(error) != typeid(Error)) throw;
    return {};
  }
}

/// The side of what comes out; 0 where nothing does.
std::int64_t side_of(const Unexplored& network, int channels, std::int64_t side) {
  const Tensor output = attempt(network, channels, side);
  return output.defined() && output.size(2) == output.size(3) ? output.size(2) : 0;
}

/// The first of two sides that the network takes.
std::int64_t first_side(const Unexplored& network, GeneratorInfo& info) {
  // Whatever multiple up to 256 it needs.
  for (const std::int64_t side : {64, 256})
    for (const int channels : network.channels) {
      const Tensor output = attempt(network, channels, side);
      if (!output.defined()) continue;
      info.in_channels = channels;
      info.out_channels = static_cast<int>(output.size(1));
      if (output.size(2) != output.size(3))
        fail(ErrorKind::model, "{}: {} makes {}x{} of {}x{} pixels, which is no whole scale", network.name,
             network.what, output.size(3), output.size(2), side, side);
      return side;
    }
  network.run(square_of_noise(3, 256));  // its own words
  fail(ErrorKind::model, "{}: {} gives no picture of 1 x C x H x W", network.name, network.what);
}

/// Scale and multiple, from how the result grows with the picture. The side that is missing to side * scale.
std::int64_t find_scale(const Unexplored& network, std::int64_t side, GeneratorInfo& info) {
  constexpr int largest_multiple = 256;
  const std::int64_t first = side_of(network, info.in_channels, side);
  for (info.multiple = 1; info.multiple <= largest_multiple; info.multiple *= 2) {
    const int step = info.multiple;
    const std::int64_t grown = side_of(network, info.in_channels, side + step) - first;
    // Results that are rounded up grow twice as fast at first, those that are rounded down not at all.
    if (grown <= 0 || grown % step != 0 || side_of(network, info.in_channels, side + 3 * step) - first != 3 * grown)
      continue;
    info.scale = static_cast<int>(grown / step);
    return side * info.scale - first;
  }
  if (first % side == 0)
    fail(ErrorKind::model, "{}: {} takes pictures of {}x{} pixels only", network.name, network.what, side, side);
  fail(ErrorKind::model, "{}: {} makes {}x{} of {}x{} pixels, which is no whole scale", network.name, network.what,
       first, first, side, side);
}

void find_margin(std::int64_t missing, Explored& made, const Unexplored& network) {
  constexpr int widest = 1024;
  for (; made.margin <= widest; ++made.margin) {
    const std::int64_t more = 2 * std::int64_t{made.info.scale} * made.margin - missing;
    if (more < 0 || more % 2 != 0 || 2 * made.margin % made.info.multiple != 0) continue;
    made.cut = static_cast<int>(more / 2);
    return;
  }
  fail(ErrorKind::model, "{}: {} cuts off {} pixels", network.name, network.what, missing);
}

/// How far from a changed pixel the result changes, in input pixels; `side` where it changes everywhere.
int seen_distance(const Unexplored& network, const Explored& made, std::int64_t side) {
  const Tensor picture = square_of_noise(made.info.in_channels, side);
  const std::int64_t middle = side / 2;
  Tensor changed = picture.clone();
  changed.slice(2, middle, middle + 1).slice(3, middle, middle + 1) =
      1 - picture.slice(2, middle, middle + 1).slice(3, middle, middle + 1);
  const Tensor places = (network.run(picture) != network.run(changed)).any(1)[0].nonzero();
  if (places.numel() == 0) return 0;
  const std::int64_t scale = made.info.scale;
  const auto in_picture = [&](const Tensor& at) { return (at - made.cut).div(scale, "floor") + made.margin; };
  const Tensor first = in_picture(places.amin(0)), last = in_picture(places.amax(0));
  return static_cast<int>(
      std::max((middle - first).max().item<std::int64_t>(), (last - middle).max().item<std::int64_t>()));
}

}  // namespace

Explored explored(const Unexplored& network) {
  Explored made;
  made.info.fp32_only = true;
  const std::int64_t side = first_side(network, made.info);
  const std::int64_t missing = find_scale(network, side, made.info);
  find_margin(missing, made, network);
  made.info.halo = seen_distance(network, made, side);
  // Reaching both borders, it may as well see the whole picture.
  made.info.global = made.info.halo >= side / 2 - 1 - made.margin;
  return made;
}

void apply_described(const std::map<std::string, std::string>& metadata, GeneratorInfo& info) {
  const auto number = [&](const char* key) -> std::optional<double> {
    const auto found = metadata.find(key);
    if (found == metadata.end()) return std::nullopt;
    char* end = nullptr;
    const double value = std::strtod(found->second.c_str(), &end);
    return end != found->second.c_str() && std::isfinite(value) ? std::optional(value) : std::nullopt;
  };
  if (const auto low = number("ganvas.value_low")) info.value_low = *low;
  if (const auto high = number("ganvas.value_range"); high && *high > info.value_low) info.value_range = *high;
  // Padded out here, tiny pictures fit too.
  if (const auto multiple = number("ganvas.multiple"))
    info.multiple = static_cast<int>(std::clamp(*multiple, 1.0, 4096.0));
  if (const auto halo = number("ganvas.halo")) {
    info.global = *halo < 0;
    info.halo = static_cast<int>(std::clamp(*halo, 0.0, 1e6));
  }
}

}  // namespace ganvas
