#include "cli/batch_options.hpp"

#include <charconv>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/format_name.hpp"

namespace ganvas::cli {

namespace {

int whole_number(std::string_view text, const std::string& what) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorKind::usage, "{}: '{}' is not a whole number", what, text);
  return value;
}

}  // namespace

std::shared_ptr<BatchArguments> add_batch_options(CLI::App& command) {
  auto arguments = std::make_shared<BatchArguments>();
  BatchRequest& options = arguments->request;
  command.add_option("input", options.inputs, "Files, folders, glob patterns, or - for standard input")->required();
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
  command.add_option("--format", options.format, format_choices() + " (default: as the input)");
  command.add_option("--quality", options.quality, "JPEG and WebP, 1..100 (WebP: 100 is lossless)")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  command.add_option("--png-level", options.png_level, "PNG compression, 0..9; 1 is fast, 3 some 3 % smaller")
      ->capture_default_str()
      ->check(CLI::Range(0, 9));
  command.add_flag("--strip-metadata", options.strip_metadata,
                   "Drop all metadata: EXIF, XMP, IPTC, ICC, resolution, texts");
  command.add_option("--max-pixels", options.max_pixels, "Refuse inputs with more pixels")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 30));
  command.add_option("--shard", arguments->shard, "Do the I-th of N shares of the files (for job arrays), I from 1")
      ->type_name("I/N");
  command.add_option("--limit", options.limit, "Only the first N files, finished already or not")
      ->check(CLI::PositiveNumber);
  command.add_flag("--dry-run", options.dry_run, "Print what would be done");
  command.add_flag("--json", options.json, "One JSON line a file on standard output");
  command.add_flag("--stop-on-error", options.stop_on_error, "Stop at the first file that fails");
  return arguments;
}

BatchRequest finish_batch_options(const BatchArguments& arguments) {
  BatchRequest request = arguments.request;
  if (!request.format.empty() && !format_from_name(request.format))
    fail(ErrorKind::usage, "--format {}: expected {}", request.format, format_choices());
  const auto slash = arguments.shard.find('/');
  if (slash == std::string::npos) fail(ErrorKind::usage, "--shard {}: expected I/N", arguments.shard);
  request.shard_index = whole_number(std::string_view(arguments.shard).substr(0, slash), "--shard");
  request.shard_count = whole_number(std::string_view(arguments.shard).substr(slash + 1), "--shard");
  if (request.shard_index < 1 || request.shard_index > request.shard_count)
    fail(ErrorKind::usage, "--shard {}: expected I/N with 1 <= I <= N", arguments.shard);
  if (request.skip_existing && request.force) fail(ErrorKind::usage, "--skip-existing and --force exclude each other");
  if (request.output == "-" && request.json) fail(ErrorKind::usage, "-o - and --json both need standard output");
  return request;
}

}  // namespace ganvas::cli
