#include <memory>

#include "cli/checked_command.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_info(const ModelInfoRequest& request) { find_model(request.model); }

}  // namespace

void add_model_info(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelInfoRequest>();
  CLI::App* info = add_checked(model, action, "info", "Architecture, parameters, scale, receptive field, metadata",
                               request, check_info);
  info->add_option("model", request->model, "File or shipped name")->required();
  add_trust(*info, request->trust);
  info->add_flag("--json", request->json, "As one JSON line");
}

}  // namespace ganvas::cli
