#include "nn/netlist/operators.hpp"

#include <torch/torch.h>

#include <unordered_map>

#include "ganvas/core/error.hpp"

namespace ganvas::netlist {

namespace {

/// More than any shape, list of pads or slices has.
constexpr std::int64_t most_numbers = 64;
/// Beyond it a number of a file is no size, stride or offset.
constexpr double largest_number = 9e15;

}  // namespace

Compute find_operator(const std::string& op) {
  static const auto all = [] {
    std::unordered_map<std::string, Compute> table;
    for (const Table& part : {picture_operators(), value_operators(), shape_operators()})
      table.insert(part.begin(), part.end());
    return table;
  }();
  const auto found = all.find(op);
  return found == all.end() ? nullptr : found->second;
}

const torch::Tensor& Arguments::at(std::size_t i) const {
  if (!has(i)) fail(ErrorKind::model, "input {} is missing", i);
  return inputs_[i];
}

const torch::Tensor& Arguments::picture(std::size_t i) const {
  const torch::Tensor& x = at(i);
  if (x.dim() != 4 || !x.is_floating_point()) fail(ErrorKind::model, "input {} is no picture", i);
  return x;
}

std::vector<std::int64_t> Arguments::numbers(std::size_t i) const {
  const torch::Tensor& x = at(i);
  if (x.dim() > 1 || x.numel() > most_numbers) fail(ErrorKind::model, "input {} is no list of numbers", i);
  const torch::Tensor whole = x.to(torch::kCPU, torch::kLong).reshape({-1}).contiguous();
  const auto* first = whole.data_ptr<std::int64_t>();
  return {first, first + whole.numel()};
}

std::vector<double> Arguments::reals(std::size_t i) const {
  const torch::Tensor& x = at(i);
  if (x.dim() > 1 || x.numel() > most_numbers) fail(ErrorKind::model, "input {} is no list of numbers", i);
  const torch::Tensor values = x.to(torch::kCPU, torch::kDouble).reshape({-1}).contiguous();
  const auto* first = values.data_ptr<double>();
  return {first, first + values.numel()};
}

std::int64_t Arguments::integer(const char* key, std::int64_t fallback) const {
  if (!says(key)) return fallback;
  const auto& value = operation_.attributes.at(key);
  if (!value.is_number_integer()) fail(ErrorKind::model, "attribute '{}' is no whole number", key);
  return value.get<std::int64_t>();
}

double Arguments::real(const char* key, double fallback) const {
  if (!says(key)) return fallback;
  const auto& value = operation_.attributes.at(key);
  if (!value.is_number()) fail(ErrorKind::model, "attribute '{}' is no number", key);
  return value.get<double>();
}

std::string Arguments::word(const char* key, const std::string& fallback) const {
  if (!says(key)) return fallback;
  const auto& value = operation_.attributes.at(key);
  if (!value.is_string()) fail(ErrorKind::model, "attribute '{}' is no text", key);
  return value.get<std::string>();
}

std::vector<std::int64_t> Arguments::integers(const char* key, const std::vector<std::int64_t>& fallback) const {
  if (!says(key)) return fallback;
  const auto& list = operation_.attributes.at(key);
  if (!list.is_array() || list.size() > most_numbers) fail(ErrorKind::model, "attribute '{}' is no list", key);
  std::vector<std::int64_t> result;
  for (const auto& value : list) {
    if (!value.is_number_integer() || std::abs(value.get<double>()) > largest_number)
      fail(ErrorKind::model, "attribute '{}' is no list of whole numbers", key);
    result.push_back(value.get<std::int64_t>());
  }
  return result;
}

std::int64_t Arguments::axis(std::int64_t given) const {
  const std::int64_t dims = at(0).dim(), result = given < 0 ? given + dims : given;
  if (result < 0 || result >= std::max<std::int64_t>(dims, 1))
    fail(ErrorKind::model, "there is no axis {} of {}", given, dims);
  return result;
}

torch::Tensor reordered(const torch::Tensor& picture, const std::vector<std::int64_t>& order) {
  constexpr std::size_t most_parts = 64;
  // As runs of channels, which engines know; many of them are one selection.
  std::vector<std::pair<std::int64_t, std::int64_t>> runs;
  for (const std::int64_t channel : order) {
    if (channel < 0 || channel >= picture.size(1)) fail(ErrorKind::model, "there is no channel {}", channel);
    if (!runs.empty() && runs.back().first + runs.back().second == channel) ++runs.back().second;
    else runs.emplace_back(channel, 1);
  }
  if (runs.size() == 1 && runs[0].second == picture.size(1)) return picture;
  if (runs.size() > most_parts) return picture.index_select(1, torch::tensor(order).to(picture.device()));
  std::vector<torch::Tensor> parts;
  for (const auto& [first, length] : runs) parts.push_back(picture.narrow(1, first, length));
  return parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
}

}  // namespace ganvas::netlist
