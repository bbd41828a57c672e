#include <filesystem>
#include <memory>

#include "cli/checked_command.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_quantize(const ModelQuantizeRequest& request) {
  if (std::filesystem::path(request.out).extension() != ".safetensors")
    fail(ErrorKind::usage, "{}: the name must end in .safetensors, which has room for the calibration", request.out);
  find_model(request.model);
}

}  // namespace

void add_model_quantize(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelQuantizeRequest>();
  CLI::App* command =
      add_checked(model, action, "quantize", "Calibrate for int8: the same weights, with a record for --precision int8",
                  request, check_quantize);
  command->add_option("model", request->model, "File or shipped name")->required();
  command->add_option("--data", request->data, "Folder of pictures such as the network will meet")->required();
  command->add_option("-o,--output", request->out, "File ending in .safetensors")->required();
  command->add_flag("--force", request->force, "Replace a file that is there");
  command->add_option("--pictures", request->pictures, "At most so many crops")
      ->capture_default_str()
      ->check(CLI::Range(4, 10'000));
  command->add_option("--side", request->side, "Side of the crops, in the network's input pixels")
      ->capture_default_str()
      ->check(CLI::Range(16, 1024));
  command->add_option("--threads", request->threads, "CPU threads; 0: all")->capture_default_str();
}

}  // namespace ganvas::cli
