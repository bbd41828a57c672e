// A build without the ONNX library writes none.
#include "ganvas/core/error.hpp"
#include "ganvas/engine/exporter.hpp"

namespace ganvas {

void export_onnx(Generator&, const std::filesystem::path&, const std::map<std::string, std::string>&) {
  fail(ErrorKind::usage, "built without the ONNX library; export TorchScript (.pt) instead");
}

}  // namespace ganvas
