#include "ganvas/infer/batch.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <thread>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/picture_stream.hpp"
#include "ganvas/metadata/facts.hpp"
#include "ganvas/metadata/strip.hpp"
#include "infer/batch_estimate.hpp"
#include "infer/batch_names.hpp"
#include "infer/batch_report.hpp"
#include "infer/bounded_queue.hpp"
#include "infer/finished_output.hpp"
#include "infer/frame_sink.hpp"
#include "infer/memory_check.hpp"
#include "infer/run_one.hpp"
#include "infer/standard_input.hpp"
#include "infer/watch.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// A picture on its way through the pipeline: before the work the input, after it the result.
struct Item {
  BatchJob job;
  DecodedImage picture;
  BatchOutcome outcome;
  std::size_t bytes() const { return picture.image.pixels.total() * picture.image.pixels.elemSize(); }
};

void write_output(const fs::path& path, const Bytes& bytes, Existing existing) {
  if (path != "-") return write_file_atomically(path, bytes, existing);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() || std::fflush(stdout) != 0)
    fail(ErrorKind::file, "standard output: can't write: {}", std::strerror(errno));
}

/// A result with another time is still a good result: what goes wrong is a warning.
void keep_time(const BatchJob& job) {
  if (job.input == "-" || job.output == "-") return;
  std::error_code error;
  const auto time = fs::last_write_time(job.input, error);
  if (!error) fs::last_write_time(job.output, time, error);
  if (error)
    log(LogLevel::warning, "{}: can't get the time of {}: {}", job.output.string(), job.input.string(),
        error.message());
}

std::string display_name(const fs::path& input) { return input == "-" ? "standard input" : input.string(); }

double pixels_of(cv::Size size) { return static_cast<double>(size.width) * size.height; }

/// Whether a picture says that it was made by us (add_facts): what looks like an earlier run's result may be a picture
/// of the user's own.
bool is_own_result(const fs::path& path) {
  return read_metadata(read_file(path)).xmp.find(facts_namespace) != std::string::npos;
}

class Pipeline {
 public:
  Pipeline(const BatchOptions& options, const BatchWork& work, std::vector<BatchJob> jobs, std::ostream& out)
      : options_(options),
        work_(work),
        jobs_(std::move(jobs)),
        report_(options, work.verb, is_stream_alone() ? 0 : static_cast<int>(jobs_.size()), out) {
    if (options.film) film_.emplace(FrameStream{.output = "-"});
  }

  BatchSummary run();

 private:
  template <typename Stage>
  bool guarded(Item& item, Stage stage);
  void decode_all();
  /// Nobody knows how many pictures will come.
  bool is_stream_alone() const { return jobs_.size() == 1 && jobs_.front().input == "-"; }
  void decode_one(Item item, const Bytes* picture);
  void decode_stream(const BatchJob& job);
  bool prepare(Item& item, const Bytes* picture);
  void check_side(const Item& item, Format input_format) const;
  void work_all();
  void describe(Item& item, Format format) const;
  void encode_all();
  bool stopping() const { return interrupted() || report_.output_broken() || failed_late_; }
  /// With --stop-on-error: a file that can't be read ends the reading, those before it are still done; one that fails
  /// later ends everything.
  void note_late_failure(const Item& item) {
    if (options_.stop_on_error && item.outcome.status == "failed") failed_late_ = true;
  }

  static constexpr std::size_t queue_items = 3, queue_bytes = std::size_t{192} << 20;
  const BatchOptions& options_;
  const BatchWork& work_;
  std::vector<BatchJob> jobs_;
  BatchReport report_;
  BatchEstimate estimate_;  ///< the decoder's alone
  std::atomic<bool> failed_late_ = false;
  std::optional<FrameSink> film_;  ///< in place of files; known before the first picture is passed on
  BoundedQueue<Item> decoded_{queue_items, queue_bytes}, finished_{queue_items, queue_bytes};
};

/// Runs one stage on one file; what it throws is that file's failure and no one else's. False: the file is through.
template <typename Stage>
bool Pipeline::guarded(Item& item, Stage stage) {
  bool go_on = false;
  if (!run_one(item.outcome, work_.explain, [&] { go_on = stage(); })) return false;
  if (!go_on) report_.add(item.job, item.outcome);
  return go_on;
}

/// Everything up to the decoded picture, which is in memory already where it came in a stream. False where nothing is
/// left to do: skipped or planned only.
bool Pipeline::prepare(Item& item, const Bytes* picture) {
  const BatchJob& job = item.job;
  if (!job.problem.empty()) fail(ErrorKind::file, "{}", job.problem);
  std::error_code ignored;
  const bool exists = job.output != "-" && !is_stream(job.output) && fs::exists(job.output, ignored);
  if (exists && fs::equivalent(job.input, job.output, ignored))
    fail_setting(ErrorKind::file, "name", "the output would replace the input");
  if (exists && !options_.force && !options_.skip_existing)
    fail_setting(ErrorKind::file, "force", "{} exists already", job.output.string());

  const std::string name = display_name(job.input);
  const Bytes read = picture ? Bytes() : read_file(job.input);
  const Bytes& bytes = picture ? *picture : read;
  const bool several = !picture && holds_several_pictures(bytes);
  const ImageHeader header = read_header(bytes, name);
  // Some phones put another JPEG behind the first without a word.
  if (several && header.format == Format::jpeg)
    log(LogLevel::warning, "{}: other pictures stand behind the first one; give it as standard input (-) for all",
        name);
  else if (several)
    fail(ErrorKind::file, "{}: holds several pictures, one behind another; give it as standard input (-)", name);
  require_pixels_within(options_.max_pixels, header.width, header.height, name);
  item.outcome.input_size = upright_size(header);
  item.outcome.output_size = work_.output_size(item.outcome.input_size.width, item.outcome.input_size.height);
  check_side(item, header.format);
  if (options_.skip_existing && is_finished(job.output, item.outcome.output_size)) {
    item.outcome.status = "skipped";
    return false;
  }
  if (exists && job.replaces_input && !(job.replaces_result && is_own_result(job.output)))
    fail_setting(ErrorKind::file, "name", "{} would be replaced, but is an input too", job.output.string());
  if (options_.dry_run) {
    item.outcome.status = "planned";
    estimate_.add(item.outcome.input_size, item.outcome.output_size,
                  output_format(options_, job.output, header.format));
    return false;
  }
  // Both at one byte a sample are the least that it takes.
  const BatchOutcome& outcome = item.outcome;
  require_memory(outcome.output_size, 3.0 * (pixels_of(outcome.input_size) + pixels_of(outcome.output_size)));
  item.picture = decode_image(bytes, name, {.max_pixels = options_.max_pixels});
  return true;
}

/// JPEG and WebP end at a side that a large result can pass: better said before the work than after.
void Pipeline::check_side(const Item& item, Format input_format) const {
  const Format format = output_format(options_, item.job.output, input_format);
  const int limit = capacity_of(format).longest_side;
  const cv::Size size = item.outcome.output_size;
  if (std::max(size.width, size.height) > limit)
    fail_setting(ErrorKind::file, "format", "{}x{} is more than the {} pixels a side that {} can hold", size.width,
                 size.height, limit, name_of(format).label);
}

void Pipeline::decode_one(Item item, const Bytes* picture) {
  if (!guarded(item, [&] { return prepare(item, picture); })) return;
  const std::size_t bytes = item.bytes();
  decoded_.push(std::move(item), bytes);
}

/// Standard input may hold any number of pictures; where one behind another can be read again, so may standard output.
void Pipeline::decode_stream(const BatchJob& job) {
  StandardInput input(options_.max_pixels);
  for (int count = 0; !stopping(); ++count) {
    Item item{.job = job, .picture = {}, .outcome = {}};
    std::optional<Bytes> picture;
    const bool read = guarded(item, [&] {
      picture = input.next();
      return true;
    });
    if (!read || !picture) return;
    if (const auto& film = input.film(); film && count == 0 && job.output == "-" && (options_.film || !options_.format))
      film_.emplace(FrameStream{.output = "-", .rate = film->rate, .aspect = film->aspect});
    if (count > 0 && job.output != "-") item.job.problem = "there are several pictures; write them to -o -";
    if (count > 0 && options_.format && !is_streamable(*options_.format))
      item.job.problem = "several pictures in one stream must be written as PNG, JPEG or PNM, or as a film (y4m)";
    const bool ends = !item.job.problem.empty();
    decode_one(std::move(item), &*picture);
    if (ends) return;
  }
}

void Pipeline::decode_all() {
  for (const auto& job : jobs_) {
    if (stopping() || (options_.stop_on_error && report_.any_failed())) break;
    if (job.input == "-" && job.problem.empty()) decode_stream(job);
    else decode_one({.job = job, .picture = {}, .outcome = {}}, nullptr);
  }
  decoded_.close();
}

void Pipeline::work_all() {
  while (std::optional<Item> item = decoded_.pop()) {
    if (stopping()) break;
    const bool ok = guarded(*item, [&] {
      BatchResult result = work_.process(item->picture, item->outcome.output_size,
                                         [&](double share) { report_.progress(item->job, share); });
      item->picture.image = std::move(result.image);
      item->outcome.facts = std::move(result.facts);
      return true;
    });
    note_late_failure(*item);
    if (!ok) continue;
    const std::size_t bytes = item->bytes();
    finished_.push(std::move(*item), bytes);
  }
  // After a stop the decoder may still wait for room.
  decoded_.close();
  finished_.close();
}

/// The input's metadata become those of the result.
void Pipeline::describe(Item& item, Format format) const {
  Metadata& metadata = item.picture.metadata;
  strip(metadata, options_.strip);
  const bool kept = options_.strip == Strip::nothing || options_.strip == Strip::gps;
  const cv::Size from = item.outcome.input_size, to = item.outcome.output_size;
  scale_metadata(metadata, static_cast<double>(to.width) / from.width, static_cast<double>(to.height) / from.height);
  if (options_.dpi > 0) metadata.resolution = {options_.dpi, options_.dpi, Resolution::Unit::inch};
  if (!kept || !capacity_of(format).metadata) return;
  std::map<std::string, std::string> facts = item.outcome.facts;
  facts.insert(work_.facts.begin(), work_.facts.end());
  add_facts(metadata, facts);
}

void Pipeline::encode_all() {
  while (std::optional<Item> item = finished_.pop()) {
    guarded(*item, [&] {
      DecodedImage& picture = item->picture;
      const Format format = output_format(options_, item->job.output, picture.format);
      if (film_) {
        film_->add(picture.image, {});
        item->outcome.status = "done";
        return false;
      }
      describe(*item, format);
      std::vector<std::string> dropped = std::move(picture.metadata.dropped);
      const Bytes bytes = encode_image(picture.image, format, picture.metadata, options_.encode, &dropped);
      if (!dropped.empty())
        log(LogLevel::warning, "{}: not carried over: {}", display_name(item->job.input), fmt::join(dropped, "; "));
      picture.image = {};
      if (item->job.output != "-" && item->job.output.has_parent_path())
        fs::create_directories(item->job.output.parent_path());
      // What has come since prepare() looked is somebody's too.
      write_output(item->job.output, bytes,
                   options_.force || options_.skip_existing ? Existing::replaced : Existing::kept);
      if (options_.keep_times) keep_time(item->job);
      item->outcome.status = "done";
      return false;
    });
    note_late_failure(*item);
  }
}

BatchSummary Pipeline::run() {
  const double begin = seconds_now();
  {
    // Two encoders: the largest pictures' PNGs take longer than the network on a GPU.
    std::jthread decoder([this] { decode_all(); });
    // But pictures in one stream must keep their order.
    std::jthread encoder([this] { encode_all(); }), second_encoder;
    if (options_.output != "-") second_encoder = std::jthread([this] { encode_all(); });
    work_all();
  }
  const BatchSummary summary = report_.finish(seconds_now() - begin);
  if (options_.dry_run && !summary.interrupted && !options_.quiet)
    if (const std::string text = estimate_.text(work_); !text.empty()) log_line(LogLevel::info, text);
  return summary;
}

/// An output place that can't be written is found before hours of work, not after.
void check_writable(const BatchOptions& options, const std::vector<BatchJob>& jobs) {
  if (options.output == "-" || is_stream(options.output) || options.dry_run || jobs.empty()) return;
  const bool to_file = jobs.size() == 1 && jobs.front().output == fs::path(options.output);
  fs::path folder = to_file ? jobs.front().output.parent_path() : fs::path(options.output);
  if (folder.empty()) folder = ".";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorKind::file, "{}: can't create this folder: {}", folder.string(), error.message());
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    fail(ErrorKind::file, "{}: can't write into this folder: {}", folder.string(), std::strerror(errno));
}

/// What killed runs left half written where this one writes, even where it has nothing to write.
void sweep_outputs(const BatchOptions& options, const std::vector<BatchJob>& jobs) {
  if (options.dry_run) return;
  std::set<fs::path> folders;
  for (const auto& job : jobs)
    if (job.output != "-" && !is_stream(job.output))
      folders.insert(job.output.has_parent_path() ? job.output.parent_path() : fs::path("."));
  for (const auto& folder : folders) sweep_temporary_files(folder);
}

}  // namespace

BatchSummary run_batch(const BatchOptions& given, const BatchWork& work, std::ostream& out) {
  BatchOptions options = given;
  for (const char* name : {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
    if (options.output == name) options.output = "-";
  const auto run_jobs = [&](const BatchOptions& chosen, std::vector<BatchJob> jobs) {
    check_writable(chosen, jobs);
    sweep_outputs(chosen, jobs);
    return Pipeline(chosen, work, std::move(jobs), out).run();
  };
  if (!metadata_supported() && options.strip != Strip::all)
    log(LogLevel::warning, "this build drops EXIF and XMP (it was built without exiv2)");
  if (options.watch) return watch_batch(options, run_jobs, out);
  std::vector<BatchJob> jobs = plan_batch(options);
  if (!jobs.empty()) return run_jobs(options, std::move(jobs));
  log(LogLevel::warning, "no pictures found in {}", fmt::join(options.inputs, ", "));
  BatchSummary nothing;
  // An empty share of a job array is no failure; a folder without pictures is.
  nothing.failed = options.shard_count > 1 ? 0 : 1;
  return nothing;
}

}  // namespace ganvas
