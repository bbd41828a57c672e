#include <cmath>
#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/model_list.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

// What shows at once: wrong names and numbers.
void check(const ModelInfoRequest& request) { find_model(request.model); }
void check(const ModelConvertRequest& request) { find_model(request.model); }
void check(const ModelQuantizeRequest& request) {
  if (std::filesystem::path(request.out).extension() != ".safetensors")
    fail(ErrorKind::usage, "{}: the name must end in .safetensors, which has room for the calibration", request.out);
  find_model(request.model);
}
void check(const ModelExportRequest& request) {
  const std::filesystem::path out = request.out;
  if (out.extension() != ".onnx" && out.extension() != ".pt")
    fail(ErrorKind::usage, "{}: the name must end in .onnx or .pt (TorchScript)", request.out);
  find_model(request.model);
}
void check(const ModelCheckRequest& request) { find_model(request.model); }
void check(const ModelBlendRequest& request) {
  if (!std::isfinite(request.weight)) fail(ErrorKind::usage, "--weight: not a number");
  find_model(request.a);
  find_model(request.b);
}

/// A subcommand that fills a request of its own and hands it over.
template <typename Request>
CLI::App* add(CLI::App& model, Action& action, const char* name, const char* text,
              const std::shared_ptr<Request>& request) {
  CLI::App* command = model.add_subcommand(name, text);
  command->callback([request, &action] {
    action = [request] {
      check(*request);
      return run_in_library(*request);
    };
  });
  return command;
}

void add_info(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelInfoRequest>();
  CLI::App* info = add(model, action, "info", "Architecture, parameters, scale, receptive field, metadata", request);
  info->add_option("model", request->model, "File or shipped name")->required();
  info->add_flag("--json", request->json, "As one JSON line");
}

void add_list(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelListRequest>();
  CLI::App* list = model.add_subcommand("list", "Shipped models, and the architectures that can be loaded");
  list->add_flag("--json", request->json, "One JSON line a model");
  list->callback([request, &action] { action = [request] { return list_models(*request); }; });
}

void add_convert(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelConvertRequest>();
  CLI::App* convert = add(model, action, "convert", "Between .safetensors and .pth, keys kept", request);
  convert->add_option("in", request->model, "File or shipped name")->required();
  convert->add_option("out", request->out, "File; its extension chooses the container")->required();
  convert->add_flag("--half", request->half, "Store weights as fp16");
}

void add_blend(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelBlendRequest>();
  CLI::App* blend = add(model, action, "blend", "(1 - W) * A + W * B: network interpolation", request);
  blend->add_option("a", request->a, "File or shipped name")->required();
  blend->add_option("b", request->b, "File or shipped name of the same architecture")->required();
  blend->add_option("--weight", request->weight, "Weight of B, 0..1")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  blend->add_option("-o,--output", request->out, "File; its extension chooses the container")->required();
}

void add_export(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelExportRequest>();
  CLI::App* command = add(model, action, "export", "For other programs: ONNX (.onnx) or TorchScript (.pt)", request);
  command->add_option("model", request->model, "File or shipped name")->required();
  command->add_option("out", request->out, "File ending in .onnx or .pt")->required();
  command->add_flag(
      "--check", request->check,
      "Run the ONNX file in ONNX Runtime (needs node with onnxruntime-node) and print the error; a .pt is "
      "always run");
}

void add_quantize(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelQuantizeRequest>();
  CLI::App* command = add(model, action, "quantize",
                          "Calibrate for int8: the same weights, with a record for --precision int8", request);
  command->add_option("model", request->model, "File or shipped name")->required();
  command->add_option("--data", request->data, "Folder of pictures such as the network will meet")->required();
  command->add_option("-o,--output", request->out, "File ending in .safetensors")->required();
  command->add_option("--pictures", request->pictures, "At most so many crops")
      ->capture_default_str()
      ->check(CLI::Range(4, 10'000));
  command->add_option("--side", request->side, "Side of the crops, in the network's input pixels")
      ->capture_default_str()
      ->check(CLI::Range(16, 1024));
  command->add_option("--threads", request->threads, "CPU threads; 0: all")->capture_default_str();
}

void add_check(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelCheckRequest>();
  CLI::App* command =
      add(model, action, "check", "Run tensor 'input' of a file and compare with its 'output'", request);
  command->add_option("model", request->model, "File or shipped name")->required();
  command->add_option("io", request->io, "safetensors file with 'input' and 'output'")->required();
  command->add_option("--tolerance", request->tolerance, "Largest error / largest output that passes")
      ->capture_default_str();
}

}  // namespace

void add_model(CLI::App& app, Action& action) {
  CLI::App* model =
      app.add_subcommand("model", "Look into model files, convert, export, quantize, blend and check them");
  model->require_subcommand(1);
  add_info(*model, action);
  add_list(*model, action);
  add_convert(*model, action);
  add_blend(*model, action);
  add_export(*model, action);
  add_quantize(*model, action);
  add_check(*model, action);
  add_model_fetch(*model, action);
}

}  // namespace ganvas::cli
