#pragma once

#include <CLI/CLI.hpp>

#include "ganvas/train/options.hpp"

namespace ganvas::cli {

/// The data that a recipe learns from, and on what it runs.
inline void add_training_options(CLI::App& command, TrainOptions& options) {
  command
      .add_option("--data", options.data.places,
                  "Folder of pictures, searched recursively; may be given again (translation: A, then B)")
      ->allow_extra_args(false);
  command.add_option("--lr-data", options.data.lr,
                     "Folder of low-resolution partners (default: made by MATLAB bicubic)");
  command.add_option("--val", options.data.validation, "Validation pictures: a folder, or one with hr/ and lr/ inside");
  command.add_option("--device", options.device, "auto, cpu or cuda:N")->capture_default_str();
  command.add_option("--threads", options.threads, "CPU threads (default: all cores)")->check(CLI::Range(1, 1024));
}

}  // namespace ganvas::cli
