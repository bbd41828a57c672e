#include <filesystem>
#include <memory>

#include "cli/batch_options.hpp"
#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/machine_options.hpp"
#include "cli/tile_side.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

struct Arguments {
  std::shared_ptr<BatchArguments> batch;
  TranslateRequest request;
  std::string tile = "auto";
};

/// A run's folder stands for the model in it. Towards A: the second generator that cyclegan writes beside the first.
fs::path model_file(const TranslateRequest& request) {
  const fs::path given = request.model;
  fs::path path = fs::is_directory(given) && fs::exists(given / "model.safetensors") ? given / "model.safetensors"
                                                                                     : find_model(request.model);
  if (request.direction == "AtoB") return path;
  const fs::path reverse = reverse_model(path);
  if (!fs::exists(reverse))
    fail(ErrorKind::usage, "--direction BtoA: {} knows one direction only (there is no {})", request.model,
         reverse.string());
  return reverse;
}

TranslateRequest finished(const Arguments& arguments) {
  TranslateRequest request = arguments.request;
  request.batch = finish_batch_options(*arguments.batch);
  request.tile = tile_side(arguments.tile);
  if (request.tile > 0 && request.mode == "train")
    fail(ErrorKind::usage,
         "--tile and --mode train exclude one another: statistics of training are the whole picture's");
  request.model = model_file(request).string();
  return request;
}

}  // namespace

void add_translate(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  TranslateRequest& request = arguments->request;
  CLI::App* command = app.add_subcommand("translate", "Translate pictures into another style");
  arguments->batch = add_batch_options(*command);
  command->add_option("-m,--model", request.model, "Name of a shipped model, a file, or the folder of a run")
      ->required();
  command->add_option("--direction", request.direction, "AtoB, or BtoA with a cyclegan model's other generator")
      ->capture_default_str()
      ->check(CLI::IsMember({"AtoB", "BtoA"}));
  command->add_option("--mode", request.mode, "eval, or train: dropout and batch statistics as in training")
      ->capture_default_str()
      ->check(CLI::IsMember({"eval", "train"}));
  command->add_option("--seed", request.seed, "Of dropout with --mode train")->capture_default_str();
  command->add_option("--tile", arguments->tile, "Side of a tile in pixels, or auto: whole pictures while they fit")
      ->capture_default_str();
  add_machine_options(*command, request);
  command->callback([arguments, &action] { action = [arguments] { return run_in_library(finished(*arguments)); }; });
}

}  // namespace ganvas::cli
