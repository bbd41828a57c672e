#include "engine/export/onnx_writer.hpp"

#include <ATen/ops/full.h>

namespace ganvas::engine {

std::string OnnxWriter::number(double value) { return constant(at::full({1}, value)); }

std::string OnnxWriter::scaled(const std::string& x, double factor) {
  return factor == 1 ? x : add("Mul", {x, number(factor)});
}

}  // namespace ganvas::engine
