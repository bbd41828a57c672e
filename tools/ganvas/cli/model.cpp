#include "cli/commands.hpp"

namespace ganvas::cli {

void add_model(CLI::App& app, Action& action) {
  CLI::App* model =
      app.add_subcommand("model", "Look into model files, convert, export, quantize, tune, blend and check them");
  model->require_subcommand(1);
  add_model_info(*model, action);
  add_model_list(*model, action);
  add_model_convert(*model, action);
  add_model_blend(*model, action);
  add_model_export(*model, action);
  add_model_quantize(*model, action);
  add_model_tune(*model, action);
  add_model_check(*model, action);
  add_model_fetch(*model, action);
}

}  // namespace ganvas::cli
