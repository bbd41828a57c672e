#pragma once

#include <CLI/CLI.hpp>

#include <functional>

/// The subcommands: each function declares its options on the application and stores what to run in `action`. Nothing
/// here needs LibTorch or OpenCV: an action checks what it can and hands its request to the library of commands.
namespace ganvas::cli {

using Action = std::function<int()>;

void add_upscale(CLI::App& app, Action& action);
void add_translate(CLI::App& app, Action& action);
void add_stylize(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_eval(CLI::App& app, Action& action);
void add_model(CLI::App& app, Action& action);
void add_model_info(CLI::App& model, Action& action);
void add_model_list(CLI::App& model, Action& action);
void add_model_convert(CLI::App& model, Action& action);
void add_model_blend(CLI::App& model, Action& action);
void add_model_export(CLI::App& model, Action& action);
void add_model_quantize(CLI::App& model, Action& action);
void add_model_tune(CLI::App& model, Action& action);
void add_model_check(CLI::App& model, Action& action);
void add_model_fetch(CLI::App& model, Action& action);
void add_train(CLI::App& app, Action& action);
void add_sweep(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);
void add_data_augment(CLI::App& data, Action& action);
void add_data_degrade(CLI::App& data, Action& action);
/// pair, edges, gray and labels.
void add_data_pairs(CLI::App& data, Action& action);
void add_report(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);

/// --trust of all commands that run a model.
inline void add_trust(CLI::App& command, bool& trust) {
  command.add_flag("--trust", trust,
                   "Let a TorchScript program run that is more than known operators: it can do anything");
}

}  // namespace ganvas::cli
