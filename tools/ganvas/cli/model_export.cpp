#include <filesystem>
#include <memory>

#include "cli/checked_command.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_export(const ModelExportRequest& request) {
  const std::filesystem::path out = request.out;
  if (out.extension() != ".onnx" && out.extension() != ".pt")
    fail(ErrorKind::usage, "{}: the name must end in .onnx or .pt (TorchScript)", request.out);
  find_model(request.model);
}

}  // namespace

void add_model_export(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelExportRequest>();
  CLI::App* command = add_checked(model, action, "export", "For other programs: ONNX (.onnx) or TorchScript (.pt)",
                                  request, check_export);
  command->add_option("model", request->model, "File or shipped name")->required();
  command->add_option("out", request->out, "File ending in .onnx or .pt")->required();
  command->add_flag("--force", request->force, "Replace a file that is there");
  add_trust(*command, request->trust);
  command->add_flag(
      "--check", request->check,
      "Run the ONNX file in ONNX Runtime (needs node with onnxruntime-node) and print the error; a .pt is "
      "always run");
}

}  // namespace ganvas::cli
