#include <filesystem>
#include <memory>

#include "cli/batch_options.hpp"
#include "cli/bind.hpp"
#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/run_options.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"
#include "ganvas/core/places.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

/// "a.jpg:0.3"; a file of that very name comes first.
StyleChoice style_in(const std::string& text) {
  std::error_code ignored;
  const std::size_t colon = text.rfind(':');
  if (fs::exists(text, ignored) || colon == std::string::npos || colon == 0) return {text};
  const std::string given = text.substr(colon + 1);
  const auto weight = parse_number<decltype(StyleChoice::weight)>(given);
  if (!weight) fail(ErrorKind::usage, "--style {}: '{}' is no weight, and no such file is there", text, given);
  return {text.substr(0, colon), *weight};
}

/// A folder of the parts of a network stands for itself.
std::string model_place(const std::string& name) {
  std::error_code ignored;
  if (fs::is_directory(name, ignored) && !fs::exists(fs::path(name) / "model.safetensors", ignored)) return name;
  return find_model(name).string();
}

StylizeRequest checked(StylizeRequest request) {
  const bool only_saves = !request.save_style.empty() && request.batch.inputs.empty();
  if (!only_saves) {
    if (request.batch.output.empty())
      fail(ErrorKind::usage, "-o is required: a folder, a file or - for standard output");
    check_batch_options(request.batch);
  }
  if (!request.save_style.empty() && fs::path(request.save_style).extension() != ".safetensors")
    fail(ErrorKind::usage, "--save-style {}: its name must end in .safetensors", request.save_style);
  if (request.optimise == 0 && !request.feature_network.empty())
    fail(ErrorKind::usage, "--feature-network is what --optimise looks through");
  if (request.optimise > 0) {
    if (!request.models.empty() || !request.masks.empty() || !request.save_style.empty())
      fail(ErrorKind::usage, "--optimise searches without a style network: no --model, --mask or --save-style");
    if (request.options.keep_colour == KeepColour::match || request.options.steady != Steady::no)
      fail(ErrorKind::usage, "--optimise takes neither --preserve-colour match nor --steady");
    return request;
  }
  if (request.models.empty()) request.models = {"any-style"};
  for (auto& model : request.models) model = model_place(model);
  return request;
}

void add_look(CLI::App& command, StylizeOptions& options) {
  command.add_option("--strength", options.strength, "From 0, the picture itself, to 1")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  add_choice(
      command, "--preserve-colour,--preserve-color", options.keep_colour,
      "Colours of the content: none; luma: its colours under the result's brightness; match: the style's picture "
      "is recoloured before",
      {{"none", KeepColour::none}, {"luma", KeepColour::luma}, {"match", KeepColour::match}});
  command.add_option("--style-size", options.style_size, "Longer side to which styles are shrunk; 0: as they are")
      ->capture_default_str()
      ->check(CLI::Range(0, 65536));
  command
      .add_option("--work-size", options.work_size,
                  "Longer side at which the network sees larger pictures, so that they look alike at any size; the "
                  "result gets the fine detail of the content. 0: as they are")
      ->capture_default_str()
      ->check(CLI::Range(0, 65536));
  add_choice(command, "--steady", options.steady,
             "For frames of a film, in their order: statistics of each alone (no), a running mean (smooth), those of "
             "the first (first)",
             {{"no", Steady::no}, {"smooth", Steady::smooth}, {"first", Steady::first}});
}

}  // namespace

void add_stylize(CLI::App& app, Action& action) {
  auto request = std::make_shared<StylizeRequest>();
  CLI::App* command = app.add_subcommand("stylize", "Give pictures the style of other pictures");
  add_batch_options(*command, request->batch);
  command->get_option("--output")->required(false);
  command
      ->add_option_function<std::vector<std::string>>(
          "--style",
          [request](const std::vector<std::string>& texts) {
            request->styles.clear();
            for (const auto& text : texts) request->styles.push_back(style_in(text));
          },
          "A picture, or a file of --save-style; several are mixed by their weights (default 1). A folder: each of its "
          "pictures by itself, into {stem}_{style} unless --name says otherwise")
      ->type_name("PICTURE[:WEIGHT]")
      ->allow_extra_args(false);
  command
      ->add_option("--mask", request->masks,
                   "Gray picture: where it is white the style goes, where black the content stays; with several styles "
                   "one for each, in their order")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      ->add_option(
          "-m,--model", request->models,
          "A style network: a file, a folder, or the files of one network, one -m for each (default: any-style)")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command
      ->add_option("--optimise,--optimize", request->optimise,
                   "Without a style network: search each picture itself, in so many steps a size, from small to large "
                   "(Gatys et al. 2016). Minutes a picture; 100 to 500 are usual")
      ->type_name("STEPS")
      ->check(CLI::Range(1, 100000));
  command->add_option("--feature-network", request->feature_network,
                      "Of --optimise: a VGG, file or name (default: vgg19, once fetched)");
  add_trust(*command, request->trust);
  command->add_option("--save-style", request->save_style,
                      "Write what the network keeps of the styles, to be given to --style in their place");
  add_look(*command, request->options);
  add_tile(*command, request->options.tile, "Side of a tile in pixels, or auto: memory, not the result, depends on it");
  add_run_options(*command, request->options.run);
  command->callback([request, &action] { action = [request] { return run_in_library(checked(*request)); }; });
}

}  // namespace ganvas::cli
