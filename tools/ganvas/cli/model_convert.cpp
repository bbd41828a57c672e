#include <memory>

#include "cli/checked_command.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_convert(const ModelConvertRequest& request) { find_model(request.model); }

}  // namespace

void add_model_convert(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelConvertRequest>();
  CLI::App* convert =
      add_checked(model, action, "convert", "Between .safetensors and .pth, keys kept", request, check_convert);
  convert->add_option("in", request->model, "File or shipped name")->required();
  convert->add_option("out", request->out, "File; its extension chooses the container")->required();
  convert->add_flag("--half", request->half, "Store weights as fp16");
  convert->add_flag("--force", request->force, "Replace a file that is there");
}

}  // namespace ganvas::cli
