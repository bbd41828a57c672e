#include "engine/geometry.hpp"

#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/division.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::engine {

namespace {

int convolved_side(const Node& n, int from, std::size_t axis) {
  const int extent = kernel_extent(n, axis);
  if (n.op == Op::transposed_convolution)
    return (from - 1) * n.stride[axis] - 2 * n.padding[axis] + extent + n.output_padding[axis];
  return divided_down(from + 2 * n.padding[axis] - extent, n.stride[axis]) + 1;
}

Size result_size(const Node& n, Size from) {
  switch (n.op) {
    case Op::convolution:
    case Op::transposed_convolution:
      return {convolved_side(n, from.height, 0), convolved_side(n, from.width, 1)};
    case Op::pixel_shuffle:
    case Op::nearest:
    case Op::bilinear:
      return {from.height * n.factor, from.width * n.factor};
    case Op::pixel_unshuffle:
      return {from.height / n.factor, from.width / n.factor};
    case Op::pad:
      return {from.height + n.border[2] + n.border[3], from.width + n.border[0] + n.border[1]};
    case Op::mean:
      return {1, 1};
    default:
      return from;
  }
}

/// Inside an axis of `size` places, and not empty.
Span cut(Span span, int size) {
  const int first = std::clamp(span.first, 0, size - 1);
  return {first, std::clamp(span.end, first + 1, size)};
}

Span source_span(const Node& n, std::size_t axis, Span wanted, int from) {
  switch (n.op) {
    case Op::convolution:
    case Op::transposed_convolution:
      return convolution_source(n, axis, wanted);
    case Op::pixel_shuffle:
    case Op::nearest:
      return {wanted.first / n.factor, divided_up(wanted.end, n.factor)};
    case Op::pixel_unshuffle:
      return {wanted.first * n.factor, wanted.end * n.factor};
    case Op::bilinear: {
      const int to = from * n.factor;
      return {static_cast<int>(bilinear_place(wanted.first, from, to, n.align_corners)),
              static_cast<int>(bilinear_place(wanted.end - 1, from, to, n.align_corners)) + 2};
    }
    case Op::pad: {
      const int before = n.border[axis == 0 ? 2 : 0];
      // What lies inside shows itself; the borders are short.
      Span span = cut({wanted.first - before, wanted.end - before}, from);
      const auto add_border = [&](Span border) {
        for (int i = border.first; i < border.end; ++i)
          if (const int place = padded_source(i, before, from, n.border_kind); place >= 0)
            span = united(span, {place, place + 1});
      };
      add_border(common(wanted, {0, before}));
      add_border(common(wanted, {before + from, wanted.end}));
      return span;
    }
    default:
      return wanted;
  }
}

}  // namespace

Span united(Span a, Span b) { return {std::min(a.first, b.first), std::max(a.end, b.end)}; }

Span common(Span a, Span b) {
  const int first = std::max(a.first, b.first);
  return {first, std::max(first, std::min(a.end, b.end))};
}

Region united(const Region& a, const Region& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {united(a.rows, b.rows), united(a.columns, b.columns)};
}

Region common(const Region& a, const Region& b) { return {common(a.rows, b.rows), common(a.columns, b.columns)}; }

std::vector<Size> result_sizes(const Graph& graph, Size picture) {
  std::vector<Size> sizes;
  for (const Node& n : graph.nodes)
    sizes.push_back(n.inputs.empty() ? picture : result_size(n, sizes[static_cast<std::size_t>(n.inputs[0])]));
  return sizes;
}

bool sizes_are_possible(const Graph& graph, const std::vector<Size>& sizes) {
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i].height < 1 || sizes[i].width < 1) return false;
    const Node& n = graph.nodes[i];
    if (n.inputs.empty()) continue;
    const Size from = sizes[static_cast<std::size_t>(n.inputs[0])];
    if (n.op == Op::pad && n.border_kind == Border::reflect &&
        (std::max(n.border[0], n.border[1]) >= from.width || std::max(n.border[2], n.border[3]) >= from.height))
      return false;
    if (n.op == Op::pixel_unshuffle && (from.height % n.factor != 0 || from.width % n.factor != 0)) return false;
    // Parts that are put together or added are of one size; a factor may be one pixel.
    for (std::size_t k = 1; k < n.inputs.size(); ++k) {
      const Size other = sizes[static_cast<std::size_t>(n.inputs[k])];
      const bool factor = n.op == Op::multiply && other == Size{1, 1};
      if (!factor && !(other == (is_convolution(n) ? sizes[i] : from))) return false;
    }
  }
  return true;
}

int fitting_multiple(const Graph& graph, Size picture, int multiple) {
  for (const int factor : {1, 2, 4, 8})
    if (sizes_are_possible(graph, result_sizes(graph, rounded_up(picture, multiple * factor))))
      return multiple * factor;
  fail(ErrorKind::model, "this network can't take a picture of {} x {}: it is too small", picture.width,
       picture.height);
}

Size rounded_up(Size picture, int multiple) {
  return {divided_up(picture.height, multiple) * multiple, divided_up(picture.width, multiple) * multiple};
}

int kernel_extent(const Node& n, std::size_t axis) {
  return n.dilation[axis] * (static_cast<int>(n.weight.size(static_cast<int>(axis) + 2)) - 1) + 1;
}

Span convolution_source(const Node& n, std::size_t axis, Span wanted) {
  const int stride = n.stride[axis], padding = n.padding[axis], extent = kernel_extent(n, axis);
  if (n.op == Op::convolution) return {wanted.first * stride - padding, (wanted.end - 1) * stride - padding + extent};
  // Input place i reaches the places i * stride - padding + (0 .. extent - 1) of the result.
  const int first = divided_up(wanted.first + padding - extent + 1, stride);
  const int last = divided_down(wanted.end - 1 + padding, stride);
  // Strides longer than the kernel leave gaps that no input reaches.
  return {std::min(first, divided_down(wanted.first + padding, stride)), std::max(first, last) + 1};
}

Region source_region(const Node& n, std::size_t which, const Region& wanted, Size from) {
  Region region = wanted;
  // A residual and the base under a shuffle: the first is as large as the result, the second as the shuffle's input.
  const bool residual = is_convolution(n) && which > 0;
  if (!residual) region = {source_span(n, 0, wanted.rows, from.height), source_span(n, 1, wanted.columns, from.width)};
  return {cut(region.rows, from.height), cut(region.columns, from.width)};
}

}  // namespace ganvas::engine
