#include "ganvas/nn/traced_operators.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <algorithm>

#include "nn/windows.hpp"

namespace ganvas {

using torch::Tensor;
using MaybeTensor = c10::optional<Tensor>;
using Sides = torch::IntArrayRef;

Tensor partition(const Tensor& tokens, Window window) {
  const std::int64_t n = tokens.size(0), h = tokens.size(1), w = tokens.size(2), c = tokens.size(3);
  return tokens.reshape({n, h / window.height, window.height, w / window.width, window.width, c})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, window.tokens(), c});
}

Tensor unpartition(const Tensor& windows, Window window, const Tensor& like) {
  const std::int64_t n = like.size(0), h = like.size(1), w = like.size(2), c = windows.size(2);
  return windows.reshape({n, h / window.height, w / window.width, window.height, window.width, c})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({n, h, w, c});
}

Tensor gather_grid(const Tensor& tokens, Window window) {
  const std::int64_t n = tokens.size(0), h = tokens.size(1), w = tokens.size(2), c = tokens.size(3);
  return tokens.reshape({n, window.height, h / window.height, window.width, w / window.width, c})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({-1, window.tokens(), c});
}

Tensor scatter_grid(const Tensor& groups, Window window, const Tensor& like) {
  const std::int64_t n = like.size(0), h = like.size(1), w = like.size(2), c = groups.size(2);
  return groups.reshape({n, h / window.height, w / window.width, window.height, window.width, c})
      .permute({0, 3, 1, 4, 2, 5})
      .reshape({n, h, w, c});
}

namespace {

/// 0, 1 or 2: what the roll leaves in place, what shares its last window, and what came around.
Tensor bands(std::int64_t size, int window, int shift) {
  const Tensor at = torch::arange(size, torch::kLong);
  return (at >= size - window).to(torch::kLong) + (at >= size - shift).to(torch::kLong);
}

}  // namespace

Tensor shift_regions(std::int64_t height, std::int64_t width, Window window, Window shift) {
  const Tensor regions = 3 * bands(height, window.height, shift.height).unsqueeze(1) +
                         bands(width, window.width, shift.width).unsqueeze(0);
  return partition(regions.unsqueeze(0).unsqueeze(3), window).squeeze(2);
}

Tensor mask_between(const Tensor& query_regions, const Tensor& key_regions) {
  return (query_regions.unsqueeze(2) != key_regions.unsqueeze(1)).to(torch::kFloat) * -100.0;
}

Tensor shift_mask(std::int64_t height, std::int64_t width, Window window, Window shift) {
  const Tensor regions = shift_regions(height, width, window, shift);
  return mask_between(regions, regions);
}

namespace {

Window window_of(Sides sides) { return {static_cast<int>(sides[0]), static_cast<int>(sides[1])}; }
std::int64_t next_multiple(std::int64_t size, std::int64_t of) { return (size + of - 1) / of * of; }

/// Keys and values of the larger windows around windows.
Tensor windows_around(const Tensor& tokens, Window window, std::int64_t border) {
  const std::int64_t height = window.height + 2 * border, width = window.width + 2 * border;
  return torch::constant_pad_nd(tokens, {0, 0, border, border, border, border})
      .unfold(1, height, window.height)
      .unfold(2, width, window.width)
      .permute({0, 1, 2, 4, 5, 3})
      .reshape({-1, height * width, tokens.size(3)});
}

Tensor attend_in_windows(const Tensor& qkv, const MaybeTensor& bias, const MaybeTensor& mask, std::int64_t heads,
                         double scale, std::int64_t first, std::int64_t width, Sides sides, Sides shift,
                         std::int64_t border, bool grid) {
  const Window window = window_of(sides);
  const std::int64_t side = std::max(window.height, window.width), all = qkv.size(3) / 3;
  const std::int64_t below = grid ? 0 : next_multiple(qkv.size(1), side) - qkv.size(1);
  const std::int64_t right = grid ? 0 : next_multiple(qkv.size(2), side) - qkv.size(2);
  Tensor x = qkv;
  if (width != all)
    x = torch::cat({x.narrow(3, first, width), x.narrow(3, all + first, width), x.narrow(3, 2 * all + first, width)},
                   3);
  if (below > 0 || right > 0) x = torch::constant_pad_nd(x, {0, 0, 0, right, 0, below});
  const bool moves = shift[0] > 0 || shift[1] > 0;
  if (moves) x = torch::roll(x, {-shift[0], -shift[1]}, {1, 2});
  const int few = static_cast<int>(heads);
  Tensor q, k, v;
  if (border > 0) {
    q = split_heads(partition(x.narrow(3, 0, width), window), 1, few)[0];
    const Tensor kv = split_heads(windows_around(x.narrow(3, width, 2 * width), window, border), 2, few);
    k = kv[0], v = kv[1];
  } else {
    const Tensor parts = split_heads(grid ? gather_grid(x, window) : partition(x, window), 3, few);
    q = parts[0], k = parts[1], v = parts[2];
  }
  const Tensor own = join_heads(attend(q * scale, k, v, bias.value_or(Tensor()), mask.value_or(Tensor())));
  Tensor y = grid ? scatter_grid(own, window, x) : unpartition(own, window, x);
  if (moves) y = torch::roll(y, shift, {1, 2});
  return below > 0 || right > 0 ? y.narrow(1, 0, qkv.size(1)).narrow(2, 0, qkv.size(2)) : y;
}

Tensor attend_to_cells(const Tensor& q, const Tensor& kv, const MaybeTensor& bias, const MaybeTensor& mask,
                       std::int64_t heads, double scale, Sides sides, Sides shift) {
  const Window window = window_of(sides);
  const std::int64_t rows = window.height / 2, columns = window.width / 2, channels = q.size(3);
  const bool moves = shift[0] > 0 || shift[1] > 0;
  const auto own = [&](const Tensor& x) {
    return partition(moves ? torch::roll(x, {-shift[0], -shift[1]}, {1, 2}) : x, window);
  };
  const int few = static_cast<int>(heads);
  const Tensor merged = own(kv)
                            .reshape({-1, rows, 2, columns, 2, 2, channels / 4})
                            .permute({0, 1, 3, 5, 2, 4, 6})
                            .reshape({-1, rows * columns, 2 * channels});
  const Tensor parts = split_heads(merged, 2, few);
  const Tensor y = unpartition(join_heads(attend(split_heads(own(q), 1, few)[0] * scale, parts[0], parts[1],
                                                 bias.value_or(Tensor()), mask.value_or(Tensor()))),
                               window, q);
  return moves ? torch::roll(y, shift, {1, 2}) : y;
}

Tensor attend_between_channels(const Tensor& qkv, const Tensor& temperature, std::int64_t heads, Sides sides,
                               bool grid) {
  Window window = window_of(sides);
  const int height = static_cast<int>(qkv.size(1)), width = static_cast<int>(qkv.size(2));
  if (window.tokens() == 0) window = {height, width};
  // The places inside windows are the grid of windows seen the other way about.
  if (grid) window = {height / window.height, width / window.width};
  const Tensor parts = split_heads(grid ? gather_grid(qkv, window) : partition(qkv, window), 3, static_cast<int>(heads))
                           .transpose(-2, -1);
  const Tensor weights =
      torch::softmax(torch::matmul(unit(parts[0]), unit(parts[1]).transpose(-2, -1)) * temperature, -1);
  const Tensor y = join_heads(torch::matmul(weights.to(parts.scalar_type()), parts[2]).transpose(-2, -1));
  return grid ? scatter_grid(y, window, qkv) : unpartition(y, window, qkv);
}

/// `count` rows or columns beyond the end, the nearest first.
std::vector<Tensor> beyond_end(const Tensor& x, std::int64_t dim, std::int64_t count, bool reflected) {
  const std::int64_t size = x.size(dim), mirrored = reflected ? std::min(count, size - 1) : 0;
  std::vector<Tensor> parts;
  if (mirrored > 0) parts.push_back(x.narrow(dim, size - 1 - mirrored, mirrored).flip(dim));
  for (std::int64_t i = mirrored; i < count; ++i) {
    const Tensor& from = parts.empty() ? x : parts.back();
    parts.push_back(from.narrow(dim, from.size(dim) - 1, 1));
  }
  return parts;
}

/// By hand, since LibTorch's padding refuses to reflect more than there is, and some data types.
Tensor put_around(const Tensor& x, std::int64_t before, std::int64_t multiple, std::int64_t smallest,
                  c10::string_view border) {
  const bool reflected = border == "reflect";
  const auto missing = [&](std::int64_t dim) {
    return next_multiple(std::max(x.size(dim), smallest), multiple) - x.size(dim);
  };
  if (border == "zero") return torch::constant_pad_nd(x, {before, before + missing(3), before, before + missing(2)});
  Tensor padded = x;
  for (const std::int64_t dim : {2, 3}) {
    if (before + missing(dim) == 0) continue;
    std::vector<Tensor> parts;
    if (before > 0) {
      parts = beyond_end(padded.flip(dim), dim, before, reflected);
      std::reverse(parts.begin(), parts.end());
      for (auto& part : parts) part = part.flip(dim);
    }
    parts.push_back(padded);
    const std::vector<Tensor> after = beyond_end(padded, dim, before + missing(dim), reflected);
    parts.insert(parts.end(), after.begin(), after.end());
    padded = torch::cat(parts, dim);
  }
  return padded;
}

Tensor enlarge_like(const Tensor& x, const Tensor& like) {
  return torch::upsample_bilinear2d(x, {like.size(2), like.size(3)}, /*align_corners=*/false);
}

/// Where the parts of a pixel have their centres, in pixels from its own: across of all groups, then down.
Tensor regular_places(std::int64_t scale, std::int64_t groups, const torch::TensorOptions& options) {
  const Tensor step =
      ((torch::arange(scale, torch::kDouble) - static_cast<double>(scale - 1) / 2) / static_cast<double>(scale))
          .to(options);
  const Tensor across = step.view({1, 1, scale}).expand({groups, scale, scale}).flatten();
  const Tensor down = step.view({1, scale, 1}).expand({groups, scale, scale}).flatten();
  return torch::cat({across, down}).view({1, -1, 1, 1});
}

Tensor sample_at(const Tensor& features, const Tensor& offsets, std::int64_t scale, std::int64_t groups, bool added) {
  const std::int64_t n = features.size(0), channels = features.size(1), h = features.size(2), w = features.size(3);
  const auto options = offsets.options();
  const Tensor parts = (offsets + regular_places(scale, groups, options)).view({n, 2, groups * scale * scale, h, w});
  // As fractions of the picture, from -1 to 1, as LibTorch wants them.
  const auto scaled = [](const Tensor& at, std::int64_t size) { return at * (2.0 / static_cast<double>(size)) - 1.0; };
  const Tensor x = scaled(parts.select(1, 0) + (torch::arange(w, options) + 0.5).view({1, 1, 1, w}), w);
  const Tensor y = scaled(parts.select(1, 1) + (torch::arange(h, options) + 0.5).view({1, 1, h, 1}), h);
  const Tensor grid = torch::pixel_shuffle(torch::cat({x, y}, 1), scale)
                          .view({n, 2, groups, h * scale, w * scale})
                          .permute({0, 2, 3, 4, 1})
                          .reshape({n * groups, h * scale, w * scale, 2});
  const Tensor result = torch::grid_sampler(features.to(options).reshape({n * groups, channels / groups, h, w}), grid,
                                            /*bilinear*/ 0, /*border*/ 1, /*align_corners=*/false)
                            .view({n, groups, channels / groups, h * scale, w * scale});
  return added ? result.sum(1) : result.flatten(1, 2);
}

/// Calls an operator by its name, so that a trace has it.
template <typename Signature, typename... Arguments>
Tensor called(const char* name, const Arguments&... arguments) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>().call(arguments...);
}

MaybeTensor maybe(const Tensor& x) { return x.defined() ? MaybeTensor(x) : MaybeTensor(); }

using Pair = std::array<std::int64_t, 2>;
Pair sides_of(Window window) { return {window.height, window.width}; }

}  // namespace

TORCH_LIBRARY(ganvas, library) {
  library.def(
      "window_attention(Tensor qkv, Tensor? bias, Tensor? mask, int heads, float scale, int first, int width, "
      "int[] window, int[] shift, int border, bool grid) -> Tensor",
      &attend_in_windows);
  library.def(
      "cell_attention(Tensor q, Tensor kv, Tensor? bias, Tensor? mask, int heads, float scale, int[] window, "
      "int[] shift) -> Tensor",
      &attend_to_cells);
  library.def("channel_attention(Tensor qkv, Tensor temperature, int heads, int[] window, bool grid) -> Tensor",
              &attend_between_channels);
  library.def("surround(Tensor x, int before, int multiple, int smallest, str border) -> Tensor", &put_around);
  library.def("bilinear_like(Tensor x, Tensor like) -> Tensor", &enlarge_like);
  library.def("sampled(Tensor features, Tensor offsets, int scale, int groups, bool added) -> Tensor", &sample_at);
}

Tensor window_attention(const Tensor& qkv, const Tensor& bias, const Tensor& mask, const AttentionShape& shape) {
  const std::int64_t width = shape.width > 0 ? shape.width : qkv.size(3) / 3;
  return called<decltype(attend_in_windows)>("ganvas::window_attention", qkv, maybe(bias), maybe(mask),
                                             std::int64_t{shape.heads}, shape.scale, std::int64_t{shape.first}, width,
                                             Sides(sides_of(shape.window)), Sides(sides_of(shape.shift)),
                                             std::int64_t{shape.border}, shape.grid);
}

Tensor cell_attention(const Tensor& q, const Tensor& kv, const Tensor& bias, const Tensor& mask,
                      const AttentionShape& shape) {
  return called<decltype(attend_to_cells)>("ganvas::cell_attention", q, kv, maybe(bias), maybe(mask),
                                           std::int64_t{shape.heads}, shape.scale, Sides(sides_of(shape.window)),
                                           Sides(sides_of(shape.shift)));
}

Tensor channel_attention(const Tensor& qkv, const Tensor& temperature, int heads, Window window, bool grid) {
  return called<decltype(attend_between_channels)>("ganvas::channel_attention", qkv, temperature, std::int64_t{heads},
                                                   Sides(sides_of(window)), grid);
}

Tensor surround(const Tensor& x, std::int64_t before, std::int64_t multiple, std::int64_t smallest,
                const char* border) {
  return called<decltype(put_around)>("ganvas::surround", x, before, multiple, smallest, c10::string_view(border));
}

Tensor bilinear_like(const Tensor& x, const Tensor& like) {
  return called<decltype(enlarge_like)>("ganvas::bilinear_like", x, like);
}

Tensor sampled(const Tensor& features, const Tensor& offsets, int scale, int groups, bool added) {
  return called<decltype(sample_at)>("ganvas::sampled", features, offsets, std::int64_t{scale}, std::int64_t{groups},
                                     added);
}

}  // namespace ganvas
