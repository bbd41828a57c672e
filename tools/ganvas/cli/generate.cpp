#include <charconv>
#include <memory>

#include "cli/bind.hpp"
#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

constexpr std::size_t most_seeds = 1'000'000;

template <typename Number>
Number number_in(std::string_view text, const std::string& whole, const char* option) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorKind::usage, "{} {}: '{}' is no number", option, whole, text);
  return value;
}

/// "1-64,99": seeds from 0 up.
std::vector<std::int64_t> seeds_in(const std::string& text) {
  std::vector<std::int64_t> seeds;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = std::string_view(text).substr(begin, end - begin);
    const std::size_t dash = part.find('-', 1);
    const auto first = number_in<std::int64_t>(part.substr(0, dash), text, "--seeds");
    const auto last =
        dash == std::string_view::npos ? first : number_in<std::int64_t>(part.substr(dash + 1), text, "--seeds");
    if (first < 0 || last < first)
      fail(ErrorKind::usage, "--seeds {}: '{}' is no range of seeds from 0 up", text, part);
    if (static_cast<std::uint64_t>(last - first) >= most_seeds ||
        seeds.size() + static_cast<std::size_t>(last - first) >= most_seeds)
      fail(ErrorKind::usage, "--seeds {}: more than {} seeds", text, most_seeds);
    for (std::int64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
    begin = end + 1;
  }
  return seeds;
}

/// "0.7", or "0.3..1:5": five values from 0.3 to 1.
std::vector<double> truncations_in(const std::string& text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) return {number_in<double>(text, text, "--truncation")};
  const std::size_t colon = text.find(':', dots);
  if (colon == std::string::npos) fail(ErrorKind::usage, "--truncation {}: expected FROM..TO:COUNT", text);
  const std::string_view view = text;
  const auto from = number_in<double>(view.substr(0, dots), text, "--truncation");
  const auto to = number_in<double>(view.substr(dots + 2, colon - dots - 2), text, "--truncation");
  const auto count = number_in<int>(view.substr(colon + 1), text, "--truncation");
  if (count < 2 || count > 1000) fail(ErrorKind::usage, "--truncation {}: 2 to 1000 values", text);
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(from + (to - from) * i / (count - 1));
  return values;
}

/// "8x4": columns and rows.
std::pair<int, int> grid_in(const std::string& text) {
  const std::size_t cross = text.find('x');
  const std::string_view view = text;
  const auto columns = number_in<int>(view.substr(0, cross), text, "--grid");
  const int rows = cross == std::string::npos ? columns : number_in<int>(view.substr(cross + 1), text, "--grid");
  if (columns < 1 || rows < 1 || columns > 1000 || rows > 1000)
    fail(ErrorKind::usage, "--grid {}: expected COLUMNSxROWS, 1 to 1000 each", text);
  return {columns, rows};
}

GenerateRequest checked(GenerateRequest request) {
  GenerateOptions& options = request.options;
  if (options.skip_existing && options.force) fail(ErrorKind::usage, "--skip-existing and --force exclude each other");
  if (options.frames > 0 && options.grid_columns > 0) fail(ErrorKind::usage, "--frames and --grid exclude each other");
  if (options.loop && options.frames == 0) fail(ErrorKind::usage, "--loop is about --frames");
  request.model = find_model_or_run(request.model).string();
  return request;
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto request = std::make_shared<GenerateRequest>();
  GenerateOptions& options = request->options;
  CLI::App* command = app.add_subcommand("generate", "Make pictures from noise");
  command->add_option("model", request->model, "Name of a shipped model, a file, or the folder of a run")->required();
  command->add_option("-o,--output", options.output, "Folder; with --grid a folder or a PNG file")->required();
  command
      ->add_option_function<std::string>(
          "--seeds", [&options](const std::string& text) { options.seeds = seeds_in(text); },
          "Which pictures, e.g. 1-64,99: one a seed, the same whenever and with whatever others it is made")
      ->required()
      ->type_name("LIST");
  command
      ->add_option_function<std::string>(
          "--grid",
          [&options](const std::string& text) { std::tie(options.grid_columns, options.grid_rows) = grid_in(text); },
          "One picture of so many, row by row")
      ->type_name("COLUMNSxROWS");
  command->add_option("--class", options.class_name,
                      "Of networks with classes, by name (default: by turns, seed modulo their number)");
  command
      ->add_option_function<std::string>(
          "--truncation", [&options](const std::string& text) { options.truncations = truncations_in(text); },
          "Nearer to the mean style: 1 as learnt, 0.7 plainer and better made; FROM..TO:COUNT makes a row of each")
      ->type_name("PSI");
  add_choice(*command, "--noise", options.layer_noise, "StyleGAN's noise planes: the file's, new ones a seed, none",
             {{"const", LayerNoise::constant}, {"random", LayerNoise::random}, {"none", LayerNoise::none}});
  command->add_option("--frames", options.frames, "A walk from seed to seed in so many numbered pictures")
      ->check(CLI::Range(1, 1'000'000));
  command->add_flag("--loop", options.loop, "The walk ends where it began");
  command->add_flag("--numpy-seeds", options.numpy_seeds,
                    "Noise as Python's numpy.random.RandomState(seed) gives it, as in published code");
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
  command->callback([request, &action] { action = [request] { return run_in_library(checked(*request)); }; });
}

}  // namespace ganvas::cli
