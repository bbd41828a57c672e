#include "ganvas/infer/generate.hpp"

#include <torch/torch.h>

#include <cmath>
#include <set>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/metadata/facts.hpp"
#include "infer/alone.hpp"
#include "infer/batch_report.hpp"
#include "infer/finished_output.hpp"
#include "infer/frame_sink.hpp"
#include "infer/generate_plan.hpp"
#include "infer/in_order.hpp"
#include "infer/run_one.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

bool is_one_stream(const GenerateOptions& options) {
  return options.output == "-" || options.format != FrameFormat::png;
}

/// Of such only the whole is a result.
bool is_one_file(const GenerateOptions& options) {
  return is_one_stream(options) && options.output != "-" && !options.dry_run;
}

Metadata described(const GenerateOptions& options, const GenerateJob& job, Facts facts) {
  Metadata metadata;
  facts.insert(job.facts.begin(), job.facts.end());
  if (!options.strip_metadata) add_facts(metadata, facts);
  return metadata;
}

/// What has come since the run began is somebody's too.
Existing existing(const GenerateOptions& options) {
  return options.force || options.skip_existing ? Existing::replaced : Existing::kept;
}

/// Gives the outcome's status.
std::string done(const GenerateOptions& options, const GenerateJob& job, const Facts& facts) {
  std::error_code ignored;
  const bool exists = fs::exists(job.output, ignored);
  if (options.skip_existing && is_finished(job.output, job.size)) return "skipped";
  if (exists && !options.force && !options.skip_existing)
    fail_setting(ErrorKind::file, "force", "{} exists already", job.output.string());
  if (options.dry_run) return "planned";
  const Image image = job.make();
  if (job.output.has_parent_path()) fs::create_directories(job.output.parent_path());
  write_image(job.output, image, described(options, job, facts), options.encode, existing(options));
  return "done";
}

/// A seed that is asked for twice would be written over itself, by two threads at once.
void check_names(const std::vector<GenerateJob>& jobs) {
  std::set<fs::path> names;
  for (const auto& job : jobs)
    if (!names.insert(job.output).second)
      fail(ErrorKind::usage, "{}: asked for twice, and both would be {}", job.label, job.output.string());
}

/// Thousands of seeds are soon typed: a disk that can't hold their pictures is better told of now.
void check_room(const GenerateOptions& options, const std::vector<GenerateJob>& jobs) {
  if (options.dry_run || options.output == "-") return;
  double needed = 0;
  // PNGs of such pictures take half of their samples and more; a file takes a block at least.
  for (const auto& job : jobs) needed += std::max(4096.0, 1.5 * job.size.width * job.size.height);
  fs::path place = fs::absolute(options.output);
  std::error_code error;
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  const fs::space_info room = fs::space(place, error);
  if (!error && room.capacity > 0 && needed > static_cast<double>(room.available))
    fail(ErrorKind::file, "{}: what it is to hold takes about {}, {} are free", options.output, format_bytes(needed),
         format_bytes(static_cast<double>(room.available)));
}

void check_stream(const GenerateOptions& options) {
  if (options.output == "-") return;
  const fs::path output(options.output);
  if (fs::is_directory(output) || output.filename().empty())
    fail(ErrorKind::usage, "{}: frames as one stream go to a file or to -, not to a folder", options.output);
  if (fs::exists(output) && !options.force && !is_stream(output))
    fail_setting(ErrorKind::file, "force", "{} exists already", options.output);
}

class Generating {
 public:
  Generating(const GenerateOptions& options, NoisePictures& pictures, const Facts& facts, std::ostream& out,
             const std::function<std::string(const Error&)>& explain)
      : options_(options),
        pictures_(pictures),
        facts_(facts),
        explain_(explain),
        jobs_(plan_generate(options, pictures)),
        reported_{.dry_run = options.dry_run, .json = options.json, .quiet = options.quiet},
        report_(reported_, "generate", is_one_file(options) ? 1 : static_cast<int>(jobs_.size()), out) {}

  BatchSummary run() {
    const double begin = seconds_now();
    if (is_one_stream(options_) && !options_.dry_run) stream();
    else files();
    if (!options_.save_latents.empty() && !options_.dry_run && !interrupted()) save_latents();
    return report_.finish(seconds_now() - begin);
  }

 private:
  void files() {
    check_names(jobs_);
    check_room(options_, jobs_);
    struct Made {
      BatchOutcome outcome;
      bool finished = false;
    };
    const auto work = [this](std::size_t i) {
      const GenerateJob& job = jobs_[i];
      Made made;
      made.outcome.output_size = job.size;
      made.finished =
          !interrupted() && run_one(made.outcome, explain_, [&] { made.outcome.status = done(options_, job, facts_); });
      return made;
    };
    in_order<Made>(work, [this](std::size_t i, const Made& made) {
      if (!made.finished) return true;  // interrupted; others behind it may have been finished
      report_.add({.input = jobs_[i].label, .output = jobs_[i].output}, made.outcome);
      return !report_.output_broken();
    });
  }
  /// A frame that is missing would shift all that come behind it: the first failure ends the stream.
  void stream() {
    check_stream(options_);
    FrameSink sink(
        {.output = options_.output, .format = options_.format, .rate = options_.rate, .encode = options_.encode});
    const auto work = [this](std::size_t i) {
      Frame frame;
      frame.outcome.output_size = jobs_[i].size;
      frame.finished = !interrupted() && run_one(frame.outcome, explain_, [&] { frame.image = jobs_[i].make(); });
      return frame;
    };
    in_order<Frame>(work, [this, &sink](std::size_t i, Frame frame) { return put(sink, i, std::move(frame)); });
  }
  struct Frame {
    BatchOutcome outcome;
    Image image;
    bool finished = false;
  };
  bool put(FrameSink& sink, std::size_t i, Frame frame) {
    const GenerateJob& job = jobs_[i];
    const bool last = i + 1 == jobs_.size();
    BatchOutcome& outcome = frame.outcome;
    if (!frame.finished) return false;
    if (outcome.error.empty() && !run_one(outcome, explain_, [&] {
          sink.add(frame.image, described(options_, job, facts_));
          if (last) sink.finish(options_.force ? Existing::replaced : Existing::kept);
          outcome.status = last || options_.output == "-" ? "done" : "added";
        }))
      return false;
    if (outcome.status != "added") report_.add({.input = job.label, .output = options_.output}, outcome);
    return outcome.status != "failed";
  }
  /// Jobs of one picture on all threads; the pictures of a sheet have them for themselves.
  template <typename Result>
  void in_order(const typename InOrder<Result>::Work& work, const typename InOrder<Result>::Take& take) {
    const bool sheets = !jobs_.empty() && jobs_.front().styles.size() > 1;
    InOrder<Result>::run(jobs_.size(), sheets ? 1 : pictures_.at_once(), AloneScope::begin_thread, work, take);
  }
  void save_latents() {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> all;
    for (const GenerateJob& job : jobs_)
      for (const auto& styles : job.styles) all.push_back(styles().to(torch::kCPU));
    write_latents(options_.save_latents, pictures_.network(), torch::cat(all));
  }

  const GenerateOptions& options_;
  NoisePictures& pictures_;
  const Facts& facts_;
  const std::function<std::string(const Error&)>& explain_;
  std::vector<GenerateJob> jobs_;
  BatchOptions reported_;
  BatchReport report_;
};

}  // namespace

BatchSummary run_generate(const GenerateOptions& options, NoisePictures& pictures, const Facts& facts,
                          std::ostream& out, const std::function<std::string(const Error&)>& explain) {
  const AloneScope alone;
  return Generating(options, pictures, facts, out, explain).run();
}

}  // namespace ganvas
