#include <memory>

#include "cli/checked_command.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_check(const ModelCheckRequest& request) { find_model(request.model); }

}  // namespace

void add_model_check(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelCheckRequest>();
  CLI::App* command = add_checked(model, action, "check", "Run tensor 'input' of a file and compare with its 'output'",
                                  request, check_check);
  command->add_option("model", request->model, "File or shipped name")->required();
  command->add_option("io", request->io, "safetensors file with 'input' and 'output'")->required();
  add_trust(*command, request->trust);
  command->add_option("--tolerance", request->tolerance, "Largest error / largest output that passes")
      ->capture_default_str();
}

}  // namespace ganvas::cli
