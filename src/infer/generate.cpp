#include "ganvas/infer/generate.hpp"

#include <cmath>
#include <functional>
#include <new>
#include <opencv2/core.hpp>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/metadata/facts.hpp"
#include "infer/batch_report.hpp"
#include "infer/finished_output.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

using Facts = std::map<std::string, std::string>;

/// One file to make.
struct Job {
  std::string label;  ///< stands for the input in reports
  fs::path output;
  Facts facts;
  cv::Size size;
  std::function<Image()> make;
};

/// Which pictures are asked for, and the files that they make.
class Plan {
 public:
  Plan(const GenerateOptions& options, NoisePictures& pictures) : options_(options), pictures_(pictures) {}

  std::vector<Job> jobs() {
    if (options_.seeds.empty()) fail(ErrorKind::usage, "no seeds");
    if (options_.grid_columns > 0) return {sheet()};
    return options_.frames > 0 ? walk() : singles();
  }

 private:
  int class_of(std::int64_t seed) const {
    if (!options_.class_name.empty()) return pictures_.class_of(options_.class_name);
    const int classes = pictures_.info().classes;
    return classes > 0 ? static_cast<int>(seed % classes) : 0;
  }
  Facts facts_of(const NoisePicture& picture) const {
    Facts facts{{"seed", fmt::format("{}", picture.seed)}, {"truncation", fmt::format("{:g}", picture.truncation)}};
    if (pictures_.info().classes > 0)
      facts["class"] = pictures_.class_names().at(static_cast<std::size_t>(picture.class_index));
    return facts;
  }
  /// Every seed with every truncation, seeds first.
  std::vector<NoisePicture> wanted() const {
    std::vector<NoisePicture> all;
    for (const double truncation : options_.truncations)
      for (const std::int64_t seed : options_.seeds) all.push_back({seed, class_of(seed), truncation});
    return all;
  }
  cv::Size size() const { return {pictures_.info().width, pictures_.info().height}; }

  std::vector<Job> singles() {
    std::vector<Job> jobs;
    for (const NoisePicture& picture : wanted()) {
      const std::string psi =
          options_.truncations.size() > 1 ? fmt::format("_psi{:.2f}", picture.truncation) : std::string();
      jobs.push_back({fmt::format("seed {}{}", picture.seed, psi),
                      fs::path(options_.output) / fmt::format("seed{:04}{}.png", picture.seed, psi), facts_of(picture),
                      size(), [this, picture] { return pictures_.make(picture); }});
    }
    return jobs;
  }

  /// One picture of many, row by row.
  Job sheet() {
    const int columns = options_.grid_columns, rows = options_.grid_rows;
    const cv::Size one = size();
    const std::vector<NoisePicture> all = wanted();
    if (all.size() < static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows))
      fail(ErrorKind::usage, "{} seeds are too few for a grid of {} by {}", all.size(), columns, rows);
    const bool file = fs::path(options_.output).has_extension() && !fs::is_directory(options_.output);
    return {"grid",
            file ? fs::path(options_.output) : fs::path(options_.output) / "grid.png",
            {{"grid", fmt::format("{}x{}", columns, rows)}},
            {columns * one.width, rows * one.height},
            [this, all, columns, rows, one] {
              cv::Mat whole;
              for (int i = 0; i < columns * rows; ++i) {
                throw_if_interrupted();
                const cv::Mat cell = pictures_.make(all[static_cast<std::size_t>(i)]).pixels;
                if (whole.empty()) whole.create(rows * one.height, columns * one.width, cell.type());
                cell.copyTo(whole(cv::Rect(i % columns * one.width, i / columns * one.height, one.width, one.height)));
              }
              return Image(whole);
            }};
  }

  /// From seed to seed in numbered frames; with `loop` the last leads back to the first.
  std::vector<Job> walk() {
    const std::vector<NoisePicture> stops = wanted();
    if (stops.size() < 2) fail(ErrorKind::usage, "a walk needs two seeds");
    const auto ways = static_cast<double>(options_.loop ? stops.size() : stops.size() - 1);
    const int last = options_.loop ? options_.frames : std::max(options_.frames - 1, 1);
    std::vector<Job> jobs;
    for (int i = 0; i < options_.frames; ++i) {
      const double place = ways * i / last;
      const auto from = std::min(static_cast<std::size_t>(place), static_cast<std::size_t>(ways) - 1);
      const double share = place - static_cast<double>(from);
      const NoisePicture a = stops[from], b = stops[(from + 1) % stops.size()];
      jobs.push_back(
          {fmt::format("frame {}", i + 1),
           fs::path(options_.output) / fmt::format("frame{:05}.png", i + 1),
           {{"seed", fmt::format("{}..{}", a.seed, b.seed)}, {"share", fmt::format("{:.4f}", share)}},
           size(),
           [this, a, b, share] { return pictures_.picture_of(pictures_.styles_between(a, b, share), a.seed); }});
    }
    return jobs;
  }

  const GenerateOptions& options_;
  NoisePictures& pictures_;
};

/// Gives the outcome's status.
std::string done(const GenerateOptions& options, const Job& job, const Facts& facts) {
  std::error_code ignored;
  const bool exists = fs::exists(job.output, ignored);
  if (options.skip_existing && is_finished(job.output, job.size)) return "skipped";
  if (exists && !options.force && !options.skip_existing)
    fail_setting(ErrorKind::file, "force", "{} exists already", job.output.string());
  if (options.dry_run) return "planned";
  const Image image = job.make();
  Metadata metadata;
  Facts all = facts;
  all.insert(job.facts.begin(), job.facts.end());
  if (!options.strip_metadata) add_facts(metadata, all);
  if (job.output.has_parent_path()) fs::create_directories(job.output.parent_path());
  write_image(job.output, image, metadata, options.encode);
  return "done";
}

}  // namespace

BatchSummary run_generate(const GenerateOptions& options, NoisePictures& pictures, const Facts& facts,
                          std::ostream& out, const std::function<std::string(const Error&)>& explain) {
  Plan plan(options, pictures);
  const std::vector<Job> jobs = plan.jobs();
  BatchOptions reported;
  reported.json = options.json;
  reported.dry_run = options.dry_run;
  reported.quiet = options.quiet;
  BatchReport report(reported, "generate", static_cast<int>(jobs.size()), out);
  const double begin = seconds_now();
  for (const Job& job : jobs) {
    if (interrupted() || report.output_broken()) break;
    const double started = seconds_now();
    BatchOutcome outcome;
    outcome.output_size = job.size;
    try {
      outcome.status = done(options, job, facts);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::interrupted) break;
      outcome.status = "failed";
      outcome.error = explain ? explain(error) : error.what();
    } catch (const std::bad_alloc&) {
      outcome.status = "failed";
      outcome.error = "out of memory";
    }
    outcome.seconds = seconds_now() - started;
    report.add({.input = job.label, .output = job.output}, outcome);
  }
  return report.finish(seconds_now() - begin);
}

}  // namespace ganvas
