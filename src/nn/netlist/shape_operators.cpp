// Operators that move values, and those that compute sizes.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/netlist/operators.hpp"

namespace ganvas::netlist {

namespace {

using torch::Tensor;
using Integers = std::vector<std::int64_t>;

Tensors same(const Arguments& a) { return {a.at(0)}; }

Tensors concat(const Arguments& a) {
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i < a.count(); ++i) parts.push_back(a.at(i));
  return {parts.size() == 1 ? parts[0] : torch::cat(parts, a.axis(a.integer("axis", 1)))};
}

/// Inputs since opset 10: starts, ends, axes, steps; attributes before.
Tensors slice(const Arguments& a) {
  const Tensor& x = a.at(0);
  const bool inputs = a.count() > 1;
  const Integers starts = inputs ? a.numbers(1) : a.integers("starts", {});
  const Integers ends = inputs ? a.numbers(2) : a.integers("ends", {});
  Integers axes = inputs ? (a.has(3) ? a.numbers(3) : Integers{}) : a.integers("axes", {});
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  const Integers steps = a.has(4) ? a.numbers(4) : Integers(starts.size(), 1);
  if (starts.size() != ends.size() || starts.size() != axes.size() || starts.size() != steps.size())
    fail(ErrorKind::model, "its lists are of different lengths");
  Tensor result = x;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (steps[i] < 1) fail(ErrorKind::model, "a step of {}", steps[i]);
    const std::int64_t axis = a.axis(axes[i]), size = x.size(axis);
    const auto place = [size](std::int64_t at) { return std::clamp(at < 0 ? at + size : at, std::int64_t{0}, size); };
    const std::int64_t first = place(starts[i]), end = std::max(place(ends[i]), first);
    if (first == 0 && end == size && steps[i] == 1) continue;
    result = steps[i] == 1 ? result.narrow(axis, first, end - first) : result.slice(axis, first, end, steps[i]);
  }
  return {result};
}

Tensors split(const Arguments& a) {
  const Tensor& x = a.at(0);
  const std::int64_t axis = a.axis(a.integer("axis", 0)), size = x.size(axis);
  Integers lengths = a.has(1) ? a.numbers(1) : a.integers("split", {});
  const auto parts = static_cast<std::int64_t>(a.results());
  if (lengths.empty()) {
    const std::int64_t each = (size + parts - 1) / parts;
    for (std::int64_t left = size; left > 0; left -= each) lengths.push_back(std::min(each, left));
  }
  if (static_cast<std::int64_t>(lengths.size()) != parts)
    fail(ErrorKind::model, "{} parts, not {}", lengths.size(), parts);
  Tensors result;
  std::int64_t first = 0;
  for (const std::int64_t length : lengths) {
    if (length < 0 || length > size - first) fail(ErrorKind::model, "parts that aren't of {} together", size);
    result.push_back(x.narrow(axis, first, length));
    first += length;
  }
  if (first != size) fail(ErrorKind::model, "parts that aren't of {} together", size);
  return result;
}

/// Picks that name every place in its turn are the input itself; of channels they are parts.
Tensors gather(const Arguments& a) {
  const Tensor& x = a.at(0);
  const std::int64_t axis = a.axis(a.integer("axis", 0)), size = x.dim() == 0 ? 1 : x.size(axis);
  Tensor places = a.at(1).to(torch::kLong);
  places = torch::where(places < 0, places + size, places);
  if (places.numel() > 0 && (places.min().item<std::int64_t>() < 0 || places.max().item<std::int64_t>() >= size))
    fail(ErrorKind::model, "there is no place like that in {}", size);
  if (places.dim() == 0) return {x.select(axis, places.item<std::int64_t>())};
  if (places.dim() == 1 && places.numel() == size && places.equal(torch::arange(size))) return {x};
  if (places.dim() == 1 && x.dim() == 4 && axis == 1) {
    const auto* first = places.contiguous().data_ptr<std::int64_t>();
    return {reordered(x, {first, first + places.numel()})};
  }
  Integers shape = x.sizes().vec();
  shape.erase(shape.begin() + axis);
  const auto dims = places.sizes();
  shape.insert(shape.begin() + axis, dims.begin(), dims.end());
  return {x.index_select(axis, places.reshape({-1}).to(x.device())).reshape(shape)};
}

Tensors unsqueeze(const Arguments& a) {
  Integers axes = a.has(1) ? a.numbers(1) : a.integers("axes", {});
  const std::int64_t dims = a.at(0).dim() + static_cast<std::int64_t>(axes.size());
  for (std::int64_t& axis : axes) {
    if (axis < 0) axis += dims;
    if (axis < 0 || axis >= dims || dims > 8) fail(ErrorKind::model, "there is no axis {} of {}", axis, dims);
  }
  std::sort(axes.begin(), axes.end());
  Tensor result = a.at(0);
  for (const std::int64_t axis : axes) result = result.unsqueeze(axis);
  return {result};
}

Tensors squeeze(const Arguments& a) {
  Integers axes = a.has(1) ? a.numbers(1) : a.integers("axes", {});
  if (axes.empty()) return {a.at(0).squeeze()};
  for (std::int64_t& axis : axes) axis = a.axis(axis);
  std::sort(axes.rbegin(), axes.rend());
  Tensor result = a.at(0);
  for (const std::int64_t axis : axes) result = result.squeeze(axis);
  return {result};
}

Tensors reshape(const Arguments& a) {
  const Tensor& x = a.at(0);
  Integers shape = a.numbers(1);
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == 0 && a.integer("allowzero", 0) == 0) {
      if (static_cast<std::int64_t>(i) >= x.dim()) fail(ErrorKind::model, "there is no axis {} to keep", i);
      shape[i] = x.size(static_cast<std::int64_t>(i));
    }
  return {x.sizes() == shape ? x : x.reshape(shape)};
}

Tensors flatten(const Arguments& a) {
  const std::int64_t axis = a.integer("axis", 1) == a.at(0).dim() ? a.at(0).dim() : a.axis(a.integer("axis", 1));
  std::int64_t rows = 1;
  for (std::int64_t i = 0; i < axis; ++i) rows *= a.at(0).size(i);
  return {a.at(0).reshape({rows, a.at(0).numel() / std::max<std::int64_t>(rows, 1)})};
}

Tensors transpose(const Arguments& a) {
  const std::int64_t dims = a.at(0).dim();
  Integers order = a.integers("perm", {});
  if (order.empty())
    for (std::int64_t i = dims - 1; i >= 0; --i) order.push_back(i);
  Integers sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (static_cast<std::int64_t>(sorted.size()) != dims || sorted[i] != static_cast<std::int64_t>(i))
      fail(ErrorKind::model, "attribute 'perm' is no order of {} axes", dims);
  return {a.at(0).permute(order)};
}

Tensors shape(const Arguments& a) {
  const auto sizes = a.at(0).sizes();
  const auto dims = static_cast<std::int64_t>(sizes.size());
  const auto place = [dims](std::int64_t at) { return std::clamp(at < 0 ? at + dims : at, std::int64_t{0}, dims); };
  const std::int64_t first = place(a.integer("start", 0)), end = std::max(first, place(a.integer("end", dims)));
  return {torch::tensor(Integers(sizes.begin() + first, sizes.begin() + end))};
}

Tensors range(const Arguments& a) {
  constexpr double longest = 1 << 24;
  const double first = a.reals(0).at(0), end = a.reals(1).at(0), step = a.reals(2).at(0);
  if (step == 0 || !((end - first) / step < longest)) fail(ErrorKind::model, "from {} to {} by {}", first, end, step);
  const auto count = static_cast<std::int64_t>(std::max(0.0, std::ceil((end - first) / step)));
  return {(torch::arange(count, torch::kDouble) * step + first).to(a.at(0).scalar_type())};
}

Tensors cast(const Arguments& a) {
  switch (a.integer("to", 1)) {  // TensorProto.DataType
    case 1:
    case 10:
    case 11:
    case 16:
      return {a.at(0).to(torch::kFloat)};
    case 6:
    case 7:
      return {a.at(0).to(torch::kLong)};
    case 9:
      return {a.at(0).to(torch::kBool)};
    default:
      fail(ErrorKind::model, "type {} is not known to ganvas", a.integer("to", 1));
  }
}

void check_extent(const Integers& shape) {
  constexpr double most = 1 << 28;
  double count = 1;
  for (const std::int64_t side : shape) {
    if (side < 0) fail(ErrorKind::model, "a side of {}", side);
    count *= static_cast<double>(side);
  }
  if (count > most) fail(ErrorKind::model, "a shape of {} values", count);
}

Tensors constant_of_shape(const Arguments& a) {
  const Integers sides = a.numbers(0);
  check_extent(sides);
  const double value = a.real("value", 0);
  const auto type = a.integer("whole", 0) != 0 ? torch::kLong : torch::kFloat;
  return {torch::full(sides, value, torch::TensorOptions(type))};
}

Tensors expand(const Arguments& a) {
  const Integers sides = a.numbers(1);
  check_extent(sides);
  return {a.at(0) * torch::ones(sides, a.at(0).options())};
}

}  // namespace

Table shape_operators() {
  return {{"Identity", same},       {"Dropout", same},        {"Concat", concat},
          {"Slice", slice},         {"Split", split},         {"Gather", gather},
          {"Unsqueeze", unsqueeze}, {"Squeeze", squeeze},     {"Reshape", reshape},
          {"Flatten", flatten},     {"Transpose", transpose}, {"Shape", shape},
          {"Range", range},         {"Cast", cast},           {"ConstantOfShape", constant_of_shape},
          {"Expand", expand}};
}

}  // namespace ganvas::netlist
