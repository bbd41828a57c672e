#include <algorithm>
#include <climits>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_files.hpp"
#include "ganvas/infer/batch.hpp"
#include "infer/batch_names.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

std::vector<PictureFile> expand_inputs(const BatchOptions& options) {
  std::vector<PictureFile> found;
  std::error_code error;
  // Results of an earlier run are no inputs; but a folder below the output folder is one.
  const PictureSearch search{options.recursive, options.include, options.exclude, {options.output}};
  const auto add = [&](const fs::path& path) {
    if (!fs::exists(path, error)) {
      found.push_back({path, path.filename(), {}, why_not_there(path)});
      return;
    }
    auto pictures = list_pictures(path, search);
    std::move(pictures.begin(), pictures.end(), std::back_inserter(found));
  };
  for (const auto& input : options.inputs) {
    if (input == "-") {
      found.push_back({"-", "stdin"});
    } else if (fs::exists(input, error) || !has_glob_characters(input)) {
      add(input);
    } else {
      const auto paths = expand_glob(input);
      if (paths.empty()) found.push_back({input, fs::path(input).filename(), {}, "no file matches"});
      for (const auto& path : paths) add(path);
    }
  }
  return found;
}

void check_options(const BatchOptions& options) {
  if (options.inputs.empty()) fail(ErrorKind::usage, "no input given");
  if (std::count(options.inputs.begin(), options.inputs.end(), "") > 0)
    fail(ErrorKind::usage, "an input's name is empty");
  if (options.output.empty()) fail(ErrorKind::usage, "no output given: a folder, a file or - for standard output");
  if (options.shard_count < 1 || options.shard_index < 1 || options.shard_index > options.shard_count)
    fail(ErrorKind::usage, "shard {} of {}: shards count from 1", options.shard_index, options.shard_count);
  if (options.skip_existing && options.force) fail(ErrorKind::usage, "existing outputs can be either left or replaced");
  if (options.output == "-" && options.json)
    fail(ErrorKind::usage, "a picture and JSON lines can't both go to standard output");
  if (options.film && options.output != "-") fail(ErrorKind::usage, "a film is a stream of frames: write it to -o -");
  if (std::count(options.inputs.begin(), options.inputs.end(), "-") > 1)
    fail(ErrorKind::usage, "standard input can be read only once");
}

/// One job for every input, its output named by the pattern.
std::vector<BatchJob> name_outputs(const std::vector<PictureFile>& found, const BatchOptions& options) {
  constexpr std::size_t longest_name = NAME_MAX;
  std::vector<BatchJob> jobs;
  for (const auto& file : found) {
    BatchJob job{
        .input = file.path,
        .output = options.output / (file.problem.empty() ? output_name(options, file.path, file.below, jobs.size() + 1)
                                                         : file.path.filename()),
        .problem = file.problem};
    if (job.problem.empty() && job.output.filename().native().size() > longest_name)
      job.problem =
          fmt::format("its output's name would be longer than {} bytes; choose a shorter name pattern", longest_name);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

using Clash = std::pair<const BatchJob*, const BatchJob*>;

/// The first two jobs with one output.
std::optional<Clash> find_clash(const std::vector<BatchJob>& jobs) {
  std::map<fs::path, const BatchJob*> by_output;
  for (const auto& job : jobs) {
    if (!job.problem.empty()) continue;
    const auto [other, fresh] = by_output.try_emplace(job.output.lexically_normal(), &job);
    if (!fresh) return Clash(other->second, &job);
  }
  return std::nullopt;
}

/// The hint is a pattern that helps with these inputs.
[[noreturn]] void fail_on_clash(const Clash& clash, const std::vector<PictureFile>& found, BatchOptions options) {
  std::string pattern;
  for (const char* candidate : {"{stem}_{ext}", "{parent}_{stem}", "{parent}_{stem}_{ext}", "{n}_{stem}"}) {
    pattern = options.name = candidate;
    if (!find_clash(name_outputs(found, options))) break;
  }
  fail(ErrorKind::usage, "{} and {} would both become {}; choose a name pattern such as {}",
       clash.first->input.string(), clash.second->input.string(), clash.first->output.string(), pattern);
}

/// Of all jobs, whichever share of them this run does: which outputs are inputs too, and of these inputs which were
/// found in a folder, so that they are taken for an earlier run's results and are none: each run would enlarge the last
/// one's otherwise.
void leave_results_out(std::vector<BatchJob>& jobs, const BatchOptions& options) {
  std::error_code ignored;
  const auto real = [&](const fs::path& path) { return path == "-" ? path : fs::weakly_canonical(path, ignored); };
  std::set<fs::path> named, inputs, outputs, results;
  for (const auto& input : options.inputs) named.insert(real(input));
  for (const auto& job : jobs) inputs.insert(real(job.input));
  for (auto& job : jobs) {
    const fs::path output = real(job.output), input = real(job.input);
    job.replaces_input = output != "-" && inputs.contains(output);
    if (job.problem.empty() && output != input) outputs.insert(output);
  }
  const auto is_result = [&](const BatchJob& job) {
    const fs::path input = real(job.input);
    return input != "-" && outputs.contains(input) && !named.contains(input);
  };
  for (const auto& job : jobs)
    if (is_result(job)) results.insert(real(job.input));
  if (results.empty()) return;
  for (auto& job : jobs) job.replaces_result = results.contains(real(job.output));
  std::erase_if(jobs, is_result);
  log(LogLevel::info, "{}: {} pictures are other inputs' outputs and no inputs", options.output, results.size());
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// `-o FILE`: a name that contradicts --format, or promises what can't be written, is a slip.
void check_output_name(const BatchOptions& options) {
  const fs::path output = options.output;
  if (options.output == "-" || is_folder(output)) return;
  const std::string extension = output.extension().string();
  if (extension == ".y4m")
    fail(ErrorKind::usage, "{}: a film is a stream of frames: write it to -o - as y4m", options.output);
  check_can_be_written(options.output);
  const auto named = format_from_name(extension);
  if (named && options.format && *named != *options.format)
    fail(ErrorKind::usage, "{}: its name says {}, but the format asked for is {}", options.output, extension_of(*named),
         extension_of(*options.format));
}

}  // namespace

std::vector<BatchJob> plan_batch(const BatchOptions& options) {
  check_options(options);
  check_output_name(options);
  const std::vector<PictureFile> found = expand_inputs(options);
  std::vector<BatchJob> jobs;
  const bool one = found.size() == 1 && !is_folder(options.inputs.front());
  const auto named_format = format_from_name(fs::path(options.output).extension().string());
  if (options.output == "-") {
    if (found.size() > 1 && !options.film)
      fail(ErrorKind::usage, "standard output takes one input, not {}", found.size());
    for (const auto& file : found) jobs.push_back({.input = file.path, .output = "-", .problem = file.problem});
  } else if (is_stream(options.output)) {
    if (found.size() > 1) fail(ErrorKind::usage, "{} takes one input, not {}", options.output, found.size());
    for (const auto& file : found)
      jobs.push_back({.input = file.path, .output = options.output, .problem = file.problem});
  } else if (one && named_format && !is_folder(options.output)) {
    jobs.push_back({.input = found.front().path, .output = options.output, .problem = found.front().problem});
  } else {
    if (named_format && !is_folder(options.output))
      fail(ErrorKind::usage, "{}: names a file, but there are {} inputs; give a folder", options.output, found.size());
    std::error_code ignored;
    if (fs::exists(options.output, ignored) && !is_folder(options.output))
      fail(ErrorKind::usage, "{}: is a file, but there are {} inputs; give a folder", options.output, found.size());
    jobs = name_outputs(found, options);
  }
  leave_results_out(jobs, options);
  if (const auto clash = find_clash(jobs); clash && options.output != "-") fail_on_clash(*clash, found, options);

  std::vector<BatchJob> mine;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (static_cast<int>(i % static_cast<std::size_t>(options.shard_count)) != options.shard_index - 1) continue;
    if (options.limit > 0 && static_cast<int>(mine.size()) >= options.limit) break;
    mine.push_back(std::move(jobs[i]));
  }
  return mine;
}

}  // namespace ganvas
