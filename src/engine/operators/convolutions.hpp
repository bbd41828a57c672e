#pragma once

#include <vector>

#include "engine/export/onnx_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/operators/tensors.hpp"

/// What the two directions of convolution share but for their fields (AnyConvolution).
namespace ganvas::engine {

/// What the trace says of both.
void read_convolution(const Call& call, AnyConvolution& made);

inline std::vector<std::int64_t> wide(const std::array<int, 2>& values) { return {values[0], values[1]}; }

OnnxWriter::Attributes onnx_attributes(const AnyConvolution& conv);
/// Input, weights and, if there are any, biases.
Names onnx_arguments(OnnxWriter& writer, const AnyConvolution& conv, const std::string& x);

}  // namespace ganvas::engine
