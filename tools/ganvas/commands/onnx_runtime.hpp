#pragma once

#include <torch/types.h>

#include <filesystem>

namespace ganvas::cli {

/// Runs an ONNX file in ONNX Runtime: through the program `node` and its package onnxruntime-node, found from the
/// working folder or in $NODE_PATH. Throws Error(usage) when they are missing, Error(model) with ONNX Runtime's own
/// words when it refuses the file.
torch::Tensor run_in_onnx_runtime(const std::filesystem::path& model, const torch::Tensor& input);

}  // namespace ganvas::cli
