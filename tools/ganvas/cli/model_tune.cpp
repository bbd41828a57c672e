#include <memory>

#include "cli/checked_command.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_tune(const ModelTuneRequest& request) { find_model(request.model); }

}  // namespace

void add_model_tune(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelTuneRequest>();
  CLI::App* command =
      add_checked(model, action, "tune", "Time a network's convolutions on this machine and remember what is fastest",
                  request, check_tune);
  command->add_option("model", request->model, "File or shipped name")->required();
  command->add_option("--width", request->width, "Of the pictures (or tiles), in the network's input pixels")
      ->capture_default_str()
      ->check(CLI::Range(16, 4096));
  command->add_option("--height", request->height, "The same downwards")
      ->capture_default_str()
      ->check(CLI::Range(16, 4096));
  command->add_option("--threads", request->threads, "CPU threads; 0: all")->capture_default_str();
  command->add_flag("--json", request->json, "As JSON");
}

}  // namespace ganvas::cli
