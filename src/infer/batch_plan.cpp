#include <algorithm>
#include <map>

#include "ganvas/core/error.hpp"
#include "ganvas/infer/batch.hpp"
#include "infer/batch_names.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// An input and where it lies below the folder that was asked for.
struct Found {
  fs::path path;
  fs::path below;  ///< path relative to the given folder; the name alone for a file given by itself
  std::string problem;
};

/// Extensions of pictures that we don't read: better named as failed than passed over in silence.
bool is_foreign_picture(const fs::path& path) {
  static const std::vector<std::string> extensions{".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".psd"};
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), ::tolower);
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

/// Whether a file found in a folder is meant: by content, or by a name that promises a picture.
bool looks_like_picture(const fs::path& path) {
  return format_from_name(path.extension().string()) || is_foreign_picture(path) || sniff_file(path);
}

bool matches_any(const std::vector<std::string>& patterns, const fs::path& below) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return glob_match(pattern, below.string()) || glob_match(pattern, below.filename().string());
  });
}

bool is_wanted(const fs::path& below, const BatchOptions& options) {
  if (!options.include.empty() && !matches_any(options.include, below)) return false;
  return !matches_any(options.exclude, below);
}

/// Whether `path` lies below the output folder: results of an earlier run are no inputs.
bool is_output(const fs::path& path, const fs::path& folder, const BatchOptions& options) {
  std::error_code error;
  const fs::path out = fs::weakly_canonical(options.output, error), in = fs::weakly_canonical(folder, error);
  if (error || out == in) return false;
  const fs::path below = fs::weakly_canonical(path, error).lexically_relative(out);
  return !below.empty() && *below.begin() != "..";
}

void add_folder(const fs::path& folder, const BatchOptions& options, std::vector<Found>& found) {
  std::vector<fs::path> unlisted;
  for (const auto& file : list_files(folder, options.recursive, &unlisted)) {
    const fs::path below = file.lexically_relative(folder);
    if (is_wanted(below, options) && looks_like_picture(file) && !is_output(file, folder, options))
      found.push_back({file, below, {}});
  }
  for (const auto& path : unlisted) found.push_back({path, path.lexically_relative(folder), "can't list this folder"});
}

void add_file(const fs::path& path, const BatchOptions& options, std::vector<Found>& found) {
  std::error_code error;
  if (!is_wanted(path.filename(), options)) return;
  found.push_back({path, path.filename(), fs::exists(path, error) ? "" : "no such file or folder"});
}

std::vector<Found> expand_inputs(const BatchOptions& options) {
  std::vector<Found> found;
  std::error_code error;
  for (const auto& input : options.inputs) {
    if (input == "-") {
      found.push_back({"-", "stdin", {}});
    } else if (fs::is_directory(input, error)) {
      add_folder(input, options, found);
    } else if (fs::exists(input, error) || !has_glob_characters(input)) {
      add_file(input, options, found);
    } else {
      const auto paths = expand_glob(input);
      if (paths.empty()) found.push_back({input, fs::path(input).filename(), "no file matches"});
      for (const auto& path : paths) {
        if (fs::is_directory(path, error)) add_folder(path, options, found);
        else add_file(path, options, found);
      }
    }
  }
  return found;
}

void check_options(const BatchOptions& options) {
  if (options.inputs.empty()) fail(ErrorKind::usage, "no input given");
  if (options.output.empty()) fail(ErrorKind::usage, "no output given; use -o FOLDER, -o FILE or -o -");
  if (options.shard_count < 1 || options.shard_index < 1 || options.shard_index > options.shard_count)
    fail(ErrorKind::usage, "--shard {}/{}: expected I/N with 1 <= I <= N", options.shard_index, options.shard_count);
  if (options.skip_existing && options.force) fail(ErrorKind::usage, "--skip-existing and --force exclude each other");
  if (options.output == "-" && options.json) fail(ErrorKind::usage, "-o - and --json both need standard output");
  if (std::count(options.inputs.begin(), options.inputs.end(), "-") > 1)
    fail(ErrorKind::usage, "standard input can be read only once");
}

void check_clashes(const std::vector<BatchJob>& jobs) {
  std::map<fs::path, const BatchJob*> by_output;
  for (const auto& job : jobs) {
    const auto [other, fresh] = by_output.try_emplace(job.output.lexically_normal(), &job);
    if (!fresh)
      fail(ErrorKind::usage, "{} and {} would both become {}; choose a --name such as {{stem}}_{{ext}}",
           other->second->input.string(), job.input.string(), job.output.string());
  }
}

}  // namespace

std::vector<BatchJob> plan_batch(const BatchOptions& options) {
  check_options(options);
  const std::vector<Found> found = expand_inputs(options);
  std::vector<BatchJob> jobs;
  const bool one = found.size() == 1 && !fs::is_directory(options.inputs.front());
  const auto named_format = format_from_name(fs::path(options.output).extension().string());
  if (options.output == "-") {
    if (found.size() > 1) fail(ErrorKind::usage, "-o - takes one input, not {}", found.size());
    for (const auto& file : found) jobs.push_back({file.path, "-", file.problem});
  } else if (one && named_format && !fs::is_directory(options.output)) {
    jobs.push_back({found.front().path, options.output, found.front().problem});
  } else {
    if (named_format && !fs::is_directory(options.output))
      fail(ErrorKind::usage, "-o {}: names a file, but there are {} inputs; give a folder", options.output,
           found.size());
    if (fs::exists(options.output) && !fs::is_directory(options.output))
      fail(ErrorKind::usage, "{}: is a file, but there are {} inputs; give a folder", options.output, found.size());
    for (const auto& file : found)
      jobs.push_back({file.path, options.output / output_name(options, file.path, file.below), file.problem});
    check_clashes(jobs);
  }

  std::vector<BatchJob> mine;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (static_cast<int>(i % static_cast<std::size_t>(options.shard_count)) != options.shard_index - 1) continue;
    if (options.limit > 0 && static_cast<int>(mine.size()) >= options.limit) break;
    mine.push_back(std::move(jobs[i]));
  }
  return mine;
}

}  // namespace ganvas
