#include "cli/batch_options.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/bind.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/launch.hpp"
#include "ganvas/core/parse_number.hpp"

namespace ganvas::cli {

namespace {

/// "I/N", I from 1, or "auto".
void add_shard(CLI::App& command, BatchOptions& options) {
  const auto store = [&options](const std::string& text) {
    if (text == "auto") {
      const Shard shard = read_shard(process_environment());
      options.shard_index = shard.index;
      options.shard_count = shard.count;
      return;
    }
    const auto slash = std::min(text.find('/'), text.size() - 1);
    options.shard_index = parse_number<int>(std::string_view(text).substr(0, slash)).value_or(0);
    options.shard_count = parse_number<int>(std::string_view(text).substr(slash + 1)).value_or(0);
    if (options.shard_index < 1 || options.shard_index > options.shard_count)
      fail(ErrorKind::usage, "--shard {}: expected I/N with 1 <= I <= N, or auto", text);
  };
  command
      .add_option_function<std::string>("--shard", store,
                                        "Do the I-th of N shares of the files (for job arrays), I from 1; auto: "
                                        "this task of a SLURM array, or this rank of mpirun or srun")
      ->type_name("I/N");
}

bool is_there(const std::string& name) {
  std::error_code unknown;
  return std::filesystem::exists(std::filesystem::symlink_status(name, unknown));
}

/// The names in a file that is no longer than a list of a million.
void add_names(const std::string& file, std::vector<std::string>& names) {
  const Bytes bytes = read_file(file == "-" ? "/dev/stdin" : file, UINT64_C(1) << 30);
  const char end = std::find(bytes.begin(), bytes.end(), 0) == bytes.end() ? '\n' : '\0';
  std::istringstream text(std::string(bytes.begin(), bytes.end()));
  const std::size_t before = names.size();
  for (std::string name; std::getline(text, name, end);) {
    if (end == '\n' && name.ends_with('\r') && !is_there(name)) name.pop_back();  // a list from Windows
    if (!name.empty()) names.push_back(name);
  }
  if (names.size() == before) fail(ErrorKind::file, "--files-from {}: the list is empty", file);
}

}  // namespace

void add_batch_options(CLI::App& command, BatchOptions& options) {
  command.add_option("input", options.inputs, "Files, folders, glob patterns, or - for standard input");
  command
      .add_option_function<std::string>(
          "--files-from", [&options](const std::string& file) { add_names(file, options.inputs); },
          "File of inputs, one a line or, if it holds zero bytes, one before each (find -print0); - for standard input")
      ->type_name("FILE");
  command.add_option("-o,--output", options.output, "Folder, file (for one input), or - for standard output")
      ->required();
  command.add_flag("-r,--recursive", options.recursive, "Folders in depth; the tree is mirrored");
  command.add_option("--include", options.include, "Only files that match, e.g. '*.png' or 'trip/**'")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  command.add_option("--exclude", options.exclude, "Not files that match")->type_name("GLOB")->allow_extra_args(false);
  command.add_flag("--skip-existing", options.skip_existing,
                   "Leave outputs that are there, whole and of the right size");
  command.add_flag("--force", options.force, "Replace outputs that are there");
  command
      .add_option("--name", options.name, "Name of outputs; {stem} {parent} {n} {model} {scale} {ext} are filled in")
      ->capture_default_str();
  add_format(command, options.format, options.film,
             "Format of outputs (default: as the input); y4m: frames of one film, to -o -");
  command.add_option("--quality", options.encode.quality, "JPEG and WebP, 1..100 (WebP: 100 is lossless)")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  command.add_option("--png-level", options.encode.png_level, "PNG compression, 0..9; 1 is fast, 3 some 3 % smaller")
      ->capture_default_str()
      ->check(CLI::Range(0, 9));
  add_choice(command, "--strip", options.strip,
             "Metadata to leave out: nothing, gps (the place), metadata-but-icc (all but what the colours mean), all",
             {{"nothing", Strip::nothing},
              {"gps", Strip::gps},
              {"metadata-but-icc", Strip::all_but_colours},
              {"all", Strip::all}});
  command.add_flag_callback(
      "--strip-metadata", [&options] { options.strip = Strip::all; }, "The same as --strip all");
  command.add_option("--dpi", options.dpi, "Resolution of outputs in pixels per inch (default: the input's)")
      ->check(CLI::Range(1.0, 60000.0));
  command.add_flag("--keep-times", options.keep_times, "Give outputs the times at which their inputs were modified");
  command.add_option("--max-pixels", options.max_pixels, "Refuse inputs with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 30));
  add_shard(command, options);
  command.add_option("--limit", options.limit, "Only the first N files, finished already or not")
      ->check(CLI::PositiveNumber);
  command.add_flag("--watch", options.watch,
                   "Go on with what comes into the folders, until Ctrl-C or SIGTERM; a file is taken when it has kept "
                   "its size and time for a second");
  command.add_flag("--dry-run", options.dry_run, "Print what would be done");
  command.add_flag("--print0", options.print0, "End the paths of results with zero bytes, for xargs -0");
  command.add_flag("--json", options.json, "One JSON line a file on standard output");
  command.add_flag("--stop-on-error", options.stop_on_error, "Stop at the first file that fails");
}

void check_batch_options(const BatchOptions& options) {
  if (options.inputs.empty()) fail(ErrorKind::usage, "input is required: files, folders, or --files-from FILE");
  if (options.json && options.print0) fail(ErrorKind::usage, "--json and --print0 exclude each other");
  if (options.skip_existing && options.force) fail(ErrorKind::usage, "--skip-existing and --force exclude each other");
  if (options.output == "-" && options.json) fail(ErrorKind::usage, "-o - and --json both need standard output");
}

}  // namespace ganvas::cli
