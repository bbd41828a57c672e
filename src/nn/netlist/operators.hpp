#pragma once

#include <torch/types.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/netlist/netlist.hpp"

namespace ganvas::netlist {

using Tensors = std::vector<torch::Tensor>;

/// What an operation computes with: its inputs (undefined where one isn't given) and attributes. Whatever is out of
/// range throws Error(model) that says what; the caller adds the operation.
class Arguments {
 public:
  Arguments(const Operation& operation, const Tensors& inputs) : operation_(operation), inputs_(inputs) {}

  const std::string& op() const { return operation_.op; }
  std::size_t count() const { return inputs_.size(); }
  std::size_t results() const { return operation_.outputs.size(); }
  bool has(std::size_t i) const { return i < inputs_.size() && inputs_[i].defined(); }
  const torch::Tensor& at(std::size_t i) const;
  const torch::Tensor& picture(std::size_t i) const;       ///< of 4 dimensions
  std::vector<std::int64_t> numbers(std::size_t i) const;  ///< of an input that holds integers, at most 64
  std::vector<double> reals(std::size_t i) const;

  bool says(const char* key) const { return operation_.attributes.contains(key); }
  std::int64_t integer(const char* key, std::int64_t fallback) const;
  double real(const char* key, double fallback) const;
  std::string word(const char* key, const std::string& fallback) const;
  std::vector<std::int64_t> integers(const char* key, const std::vector<std::int64_t>& fallback) const;
  /// An axis of input 0, counted from the end where negative.
  std::int64_t axis(std::int64_t given) const;

 private:
  const Operation& operation_;
  const Tensors& inputs_;
};

using Compute = Tensors (*)(const Arguments&);

/// The operator's function; nullptr for an unknown one. Operators of ONNX, and of our own:
///   Crop    x, like [offsets: down, across]: as many rows and columns as `like` has
///   Gelu, Mish, HardSwish as later opsets have them
Compute find_operator(const std::string& op);
inline bool is_known(const std::string& op) { return find_operator(op) != nullptr; }

/// Tables of the files that define them.
using Table = std::vector<std::pair<const char*, Compute>>;
Table picture_operators();
Table value_operators();
Table shape_operators();

/// Channels of a picture in another order, or some of them.
torch::Tensor reordered(const torch::Tensor& picture, const std::vector<std::int64_t>& order);

}  // namespace ganvas::netlist
