#include "engine/operators/resize.hpp"

#include <ATen/ops/tensor.h>

namespace ganvas::engine {

int enlargement(const Call& call) {
  const auto from = call.sizes(0), to = call.result_sizes();
  if (from.size() != 4 || to.size() != 4) call.refuse("gives no picture");
  const std::int64_t factor = to[2] / from[2];
  if (factor < 1 || factor * from[2] != to[2] || factor * from[3] != to[3]) call.refuse("its factor is no integer");
  return static_cast<int>(factor);
}

std::string onnx_resized(OnnxWriter& writer, const std::string& x, int factor,
                         const OnnxWriter::Attributes& attributes) {
  const double side = factor;
  // The empty name: no region of interest.
  return writer.add("Resize", {x, "", writer.constant(at::tensor({1.0, 1.0, side, side}))}, attributes);
}

std::string script_size(const std::string& x, int factor) {
  const std::string times = " * " + std::to_string(factor);
  return "[" + x + ".size(2)" + times + ", " + x + ".size(3)" + times + "]";
}

}  // namespace ganvas::engine
