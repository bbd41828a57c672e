#include "cli/command_line.hpp"

namespace ganvas::cli {

CommandLine::CommandLine() : app("Super-resolution and style transfer with GANs") {
  app.name("ganvas");
  app.set_version_flag("--version", "ganvas " GANVAS_VERSION, "Print the version and end");
  app.require_subcommand(1);
  app.add_flag("-q,--quiet", quiet, "Only warnings and errors on stderr");
  app.add_flag("-v,--verbose", verbose, "Debug lines on stderr");
  app.fallthrough();

  add_upscale(app, action);
  add_translate(app, action);
  add_train(app, action);
  add_eval(app, action);
  add_model(app, action);
  add_data(app, action);
  add_report(app, action);
  add_compare(app, action);
}

}  // namespace ganvas::cli
