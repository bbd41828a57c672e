#include <filesystem>
#include <memory>

#include "cli/batch_options.hpp"
#include "cli/bind.hpp"
#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/run_options.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

struct Arguments {
  TranslateRequest request;
  std::string direction = "AtoB";
};

/// Towards A: the second generator that cyclegan writes beside the first.
fs::path model_file(const std::string& model, const std::string& direction) {
  fs::path path = find_model(model);
  if (direction == "AtoB") return path;
  const fs::path reverse = reverse_model(path);
  if (!fs::exists(reverse))
    fail(ErrorKind::usage, "--direction BtoA: {} knows one direction only (there is no {})", model, reverse.string());
  return reverse;
}

TranslateRequest checked(const Arguments& arguments) {
  TranslateRequest request = arguments.request;
  check_batch_options(request.batch);
  if (request.options.tile > 0 && request.options.train_mode)
    fail(ErrorKind::usage,
         "--tile and --mode train exclude one another: statistics of training are the whole picture's");
  request.model = model_file(request.model, arguments.direction).string();
  return request;
}

}  // namespace

void add_translate(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  TranslateRequest& request = arguments->request;
  CLI::App* command = app.add_subcommand("translate", "Translate pictures into another style");
  add_batch_options(*command, request.batch);
  command->add_option("-m,--model", request.model, "Name of a shipped model, a file, or the folder of a run")
      ->required();
  add_trust(*command, request.trust);
  command->add_option("--direction", arguments->direction, "AtoB, or BtoA with a cyclegan model's other generator")
      ->capture_default_str()
      ->check(CLI::IsMember({"AtoB", "BtoA"}));
  add_choice(*command, "--mode", request.options.train_mode,
             "eval, or train: dropout and batch statistics as in training", {{"eval", false}, {"train", true}});
  command->add_option("--seed", request.options.seed, "Of dropout with --mode train")->capture_default_str();
  command->add_option("--palette", request.options.palette,
                      "For networks that are told colours: one of the model's palettes by its number, or a picture to "
                      "take them from; without it each picture gets one by its content");
  add_tile(*command, request.options.tile, "Side of a tile in pixels, or auto: whole pictures while they fit");
  add_run_options(*command, request.options.run);
  command->callback([arguments, &action] { action = [arguments] { return run_in_library(checked(*arguments)); }; });
}

}  // namespace ganvas::cli
