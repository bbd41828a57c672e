#pragma once

#include <string>

#include "engine/export/onnx_writer.hpp"
#include "engine/graph/call.hpp"

/// What enlargements by whole factors share.
namespace ganvas::engine {

/// The factor by which the call's result is larger than its picture; refuses others than whole ones.
int enlargement(const Call& call);

std::string onnx_resized(OnnxWriter& writer, const std::string& x, int factor,
                         const OnnxWriter::Attributes& attributes);

/// The enlarged size as TorchScript.
std::string script_size(const std::string& x, int factor);

}  // namespace ganvas::engine
