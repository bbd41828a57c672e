#include "ganvas/core/error.hpp"
#include "ganvas/nn/graph_files.hpp"

namespace ganvas {

bool is_onnx(const std::filesystem::path& path) { return path.extension() == ".onnx"; }

LoadedGenerator load_onnx(const std::filesystem::path& path) {
  fail(ErrorKind::usage, "{}: this ganvas was built without the ONNX library", path.string());
}

}  // namespace ganvas
