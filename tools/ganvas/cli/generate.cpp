#include <algorithm>
#include <filesystem>
#include <memory>

#include "cli/bind.hpp"
#include "cli/commands.hpp"
#include "cli/generate_lists.hpp"
#include "cli/loader.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/lower_case.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

/// What says which pictures, of which one is enough and two contradict each other.
void check_wishes(const GenerateRequest& request) {
  const GenerateOptions& options = request.options;
  std::vector<std::string> given;
  const auto note = [&given](bool is, const char* name) {
    if (is) given.emplace_back(name);
  };
  note(options.grid_columns > 0, "--grid");
  note(options.frames > 0, "--frames");
  note(!options.mix.rows.empty(), "--mix");
  note(options.directions > 0, "--directions");
  note(!request.project.pictures.empty(), "--project");
  if (given.size() > 1) fail(ErrorKind::usage, "{} and {} exclude each other", given[0], given[1]);
  const bool mixes = !options.mix.rows.empty(), projects = !request.project.pictures.empty();
  if (options.seeds.empty() && options.latents.empty() && !mixes && !projects)
    fail(ErrorKind::usage, "which pictures? --seeds 1-64,99 (or --latents, --mix, --project)");
  if (!options.seeds.empty() && (mixes || projects || !options.latents.empty()))
    fail(ErrorKind::usage, "{} takes the place of --seeds", mixes ? "--mix" : projects ? "--project" : "--latents");
  if (options.loop && options.frames == 0) fail(ErrorKind::usage, "--loop is about --frames");
  if (options.path != WalkPath::automatic && options.frames == 0) fail(ErrorKind::usage, "--path is about --frames");
  if (!options.direction_layers.empty() && options.directions == 0)
    fail(ErrorKind::usage, "--layers is about --directions; --mix names its own");
}

/// A stream's name says its format, and no other kind of film is written.
void see_name(GenerateOptions& options, bool format_given) {
  const std::string ending = lower_case(std::filesystem::path(options.output).extension().string());
  if (ending == ".y4m" && !format_given && !std::filesystem::is_directory(options.output))
    options.format = FrameFormat::y4m;
  for (const char* film : {".mp4", ".mkv", ".webm", ".mov", ".avi", ".gif"})
    if (ending == film)
      fail(ErrorKind::usage, "{}: films of this kind aren't written; -o - --format y4m | ffmpeg -i - {} makes one",
           options.output, options.output);
}

GenerateRequest checked(GenerateRequest request, bool format_given) {
  GenerateOptions& options = request.options;
  see_name(options, format_given);
  if (options.skip_existing && options.force) fail(ErrorKind::usage, "--skip-existing and --force exclude each other");
  check_wishes(request);
  const bool stream = options.output == "-" || options.format != FrameFormat::png;
  if (stream && options.skip_existing) fail(ErrorKind::usage, "--skip-existing is about files, not about one stream");
  if (options.output == "-" && options.json)
    fail(ErrorKind::usage, "--json and -o -: standard output is for one of them");
  if (!request.project.pictures.empty() && (stream || !options.save_latents.empty()))
    fail(ErrorKind::usage, "--project writes a picture, its latent and its progress into a folder");
  request.model = find_model(request.model).string();
  return request;
}

void add_wishes(CLI::App& command, GenerateOptions& options) {
  command
      .add_option_function<std::string>(
          "--seeds", [&options](const std::string& text) { options.seeds = seeds_in(text); },
          "Which pictures, e.g. 1-64,99: one a seed, the same whenever and with whatever others it is made")
      ->type_name("LIST");
  command.add_option(
      "--latents", options.latents,
      "In place of seeds: a .safetensors or .pth with w (styles), z (noise) or what --save-latents wrote");
  command.add_option("--save-latents", options.save_latents,
                     "Write the styles of all pictures (of networks without such, the noise) to this .safetensors");
  command
      .add_option_function<std::string>(
          "--grid",
          [&options](const std::string& text) { std::tie(options.grid_columns, options.grid_rows) = grid_in(text); },
          "One picture of so many, row by row")
      ->type_name("COLUMNSxROWS");
  command.add_option("--class", options.class_name,
                     "Of networks with classes, by name (default: by turns, seed modulo their number)");
  command
      .add_option_function<std::string>(
          "--truncation", [&options](const std::string& text) { options.truncations = truncations_in(text); },
          "Nearer to the mean style: 1 as learnt, 0.7 plainer and better made; FROM..TO:COUNT makes a row of each")
      ->type_name("PSI");
  add_choice(command, "--noise", options.layer_noise, "StyleGAN's noise planes: the file's, new ones a seed, none",
             {{"const", LayerNoise::constant}, {"random", LayerNoise::random}, {"none", LayerNoise::none}});
  command.add_flag("--numpy-seeds", options.numpy_seeds,
                   "Noise as Python's numpy.random.RandomState(seed) gives it, as in published code");
}

void add_styles(CLI::App& command, GenerateOptions& options) {
  command
      .add_option_function<std::string>(
          "--mix", [&options](const std::string& text) { options.mix = mix_in(text); },
          "A sheet of seeds A (rows) with the styles of seeds B (columns) in some layers, e.g. 1-4,10-15:0-3")
      ->type_name("A,B:LAYERS");
  command
      .add_option("--directions", options.directions,
                  "A sheet a seed: the so many directions that change most (SeFa), one a row")
      ->check(CLI::Range(1, 512));
  command
      .add_option_function<std::string>(
          "--layers", [&options](const std::string& text) { options.direction_layers = layers_in(text, "--layers"); },
          "Those that --directions looks at and moves, e.g. 0-3 (default: all)")
      ->type_name("LIST");
  command.add_option("--reach", options.reach, "How far --directions goes to either side")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6));
}

void add_walk(CLI::App& command, GenerateOptions& options) {
  command
      .add_option_function<std::string>(
          "--interpolate",
          [&options, &command](const std::string& text) {
            if (command.count("--seeds") > 0)
              fail(ErrorKind::usage, "--interpolate names its seeds: it goes without --seeds");
            options.seeds = seeds_in(text, "--interpolate");
            if (options.frames == 0) options.frames = 240;
          },
          "A walk through these seeds in numbered pictures: --seeds with --frames (default 240)")
      ->type_name("LIST");
  command.add_option("--frames", options.frames, "A walk from seed to seed in so many numbered pictures")
      ->check(CLI::Range(1, 1'000'000));
  command.add_flag("--loop", options.loop, "The walk ends where it began");
  add_choice(command, "--path", options.path,
             "The walk's way: linear between styles, slerp between the noise, cubic without corners (default: linear "
             "where there are styles, else slerp)",
             {{"auto", WalkPath::automatic},
              {"slerp", WalkPath::slerp},
              {"linear", WalkPath::linear},
              {"cubic", WalkPath::cubic}});
  add_choice(command, "--format", options.format,
             "png; or all pictures as one stream of frames to -o FILE or -o -: y4m (as FILE.y4m says too), or raw "
             "(rgb24, gray)",
             {{"png", FrameFormat::png}, {"y4m", FrameFormat::y4m}, {"raw", FrameFormat::raw}});
  command.add_option("--rate", options.rate, "Frames a second that a y4m stream says, e.g. 25 or 30000:1001")
      ->capture_default_str()
      ->check([](const std::string& text) {
        const auto colon = text.find(':');
        const auto is_count = [](const std::string& digits) {
          return digits.find_first_not_of("0123456789") == std::string::npos &&
                 parse_number<int>(digits).value_or(0) > 0;
        };
        const bool good =
            is_count(text.substr(0, colon)) && (colon == std::string::npos || is_count(text.substr(colon + 1)));
        return good ? std::string() : "'" + text + "' is no rate";
      });
}

void add_projection(CLI::App& command, ProjectOptions& project) {
  command
      .add_option("--project", project.pictures,
                  "Find the styles that make these pictures; writes picture, latent and progress of each")
      ->type_name("PICTURE");
  command.add_flag("--w-plus", project.each_layer, "With --project: a style of its own for each layer");
  command.add_option("--project-steps", project.steps, "Steps of --project")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command.add_option("--project-lpips", project.lpips, "Weight of LPIPS (shipped features) in --project")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6));
  command.add_option("--project-mse", project.mse, "Weight of the squared difference in --project")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6));
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto request = std::make_shared<GenerateRequest>();
  GenerateOptions& options = request->options;
  CLI::App* command = app.add_subcommand("generate", "Make pictures from noise");
  command->add_option("model", request->model, "Name of a shipped model, a file, or the folder of a run")->required();
  command
      ->add_option("-o,--output", options.output,
                   "Folder; of sheets a folder or a PNG file; of streams a file, or - for standard output")
      ->required();
  add_wishes(*command, options);
  add_styles(*command, options);
  add_walk(*command, options);
  add_projection(*command, request->project);
  command->add_flag("--skip-existing", options.skip_existing,
                    "Leave outputs that are there, whole and of the right size");
  command->add_flag("--force", options.force, "Replace outputs that are there");
  command->add_option("--png-level", options.encode.png_level, "PNG compression, 0..9")
      ->capture_default_str()
      ->check(CLI::Range(0, 9));
  command->add_flag("--strip-metadata", options.strip_metadata, "Don't record model, seed, class and truncation");
  command->add_flag("--dry-run", options.dry_run, "Print what would be done");
  command->add_flag("--json", options.json, "One JSON line a picture on standard output");
  command->add_option("--device", options.run.device, "auto, cpu or cuda:N")->capture_default_str();
  command->add_option("--threads", options.run.threads, "CPU threads (default: all cores)")->check(CLI::Range(1, 1024));
  command->callback([request, command, &action] {
    action = [request, given = command->count("--format") > 0] { return run_in_library(checked(*request, given)); };
  });
}

}  // namespace ganvas::cli
