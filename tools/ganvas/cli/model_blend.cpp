#include <memory>

#include "cli/checked_command.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

void check_blend(const ModelBlendRequest& request) {
  find_model(request.a);
  find_model(request.b);
}

}  // namespace

void add_model_blend(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelBlendRequest>();
  CLI::App* blend =
      add_checked(model, action, "blend", "(1 - W) * A + W * B: network interpolation", request, check_blend);
  blend->add_option("a", request->a, "File or shipped name")->required();
  blend->add_option("b", request->b, "File or shipped name of the same architecture")->required();
  blend->add_option("--weight", request->weight, "Weight of B, 0..1")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  blend->add_option("-o,--output", request->out, "File; its extension chooses the container")->required();
  blend->add_flag("--force", request->force, "Replace a file that is there");
}

}  // namespace ganvas::cli
