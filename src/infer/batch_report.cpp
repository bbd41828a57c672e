#include "infer/batch_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas {

int BatchSummary::exit_code() const { return interrupted ? 130 : failed > 0 ? 1 : 0; }

BatchReport::BatchReport(const BatchOptions& options, std::string verb, int total, std::ostream& out)
    : options_(options), total_(total), out_(out), progress_(std::move(verb), total) {}

void BatchReport::add(const BatchJob& job, const BatchOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  if (outcome.status == "failed") ++summary_.failed;
  else if (outcome.status == "skipped") ++summary_.skipped;
  else ++summary_.done;
  if (!outcome.error.empty()) {
    // Decoder messages begin with the file's name already.
    const std::string name = job.input == "-" ? "standard input" : job.input.string();
    log_line(LogLevel::error, outcome.error.starts_with(name) ? outcome.error : name + ": " + outcome.error);
  }
  print(job, outcome);
  progress_.update(summary_.done + summary_.skipped + summary_.failed, job.input.filename().string());
}

void BatchReport::print(const BatchJob& job, const BatchOutcome& outcome) {
  const char end = options_.print0 ? '\0' : '\n';
  progress_.clear();
  if (options_.json) {
    nlohmann::ordered_json line{
        {"input", job.input.string()}, {"output", job.output.string()}, {"status", outcome.status}};
    if (outcome.input_size.width > 0) {
      line["width"] = outcome.input_size.width;
      line["height"] = outcome.input_size.height;
    }
    if (outcome.output_size.width > 0) {
      line["output_width"] = outcome.output_size.width;
      line["output_height"] = outcome.output_size.height;
    }
    line["seconds"] = std::round(outcome.seconds * 1000) / 1000;
    for (const auto& [name, value] : outcome.facts) line[name] = value;
    if (!outcome.error.empty()) line["error"] = outcome.error;
    // File names may hold bytes that are no UTF-8: replaced rather than thrown over.
    out_ << json_line(line) << std::endl;
  } else if (outcome.status == "planned") {
    const auto sized = [](const std::filesystem::path& path, cv::Size size) {
      return size.width > 0 ? fmt::format("{} {}x{}", path.string(), size.width, size.height) : path.string();
    };
    out_ << fmt::format("{} -> {}", sized(job.input, outcome.input_size), sized(job.output, outcome.output_size)) << end
         << std::flush;
  } else if (outcome.status == "done" && job.output != "-" && !options_.quiet) {
    out_ << job.output.string() << end << std::flush;
  }
}

void BatchReport::progress(const BatchJob& job, double share) {
  const std::lock_guard lock(mutex_);
  const int finished = summary_.done + summary_.skipped + summary_.failed;
  if (finished < total_) progress_.update(std::min(finished + share, total_ - 1e-3), job.input.filename().string());
}

bool BatchReport::output_broken() const {
  const std::lock_guard lock(mutex_);
  return out_.bad() || out_.fail();
}

bool BatchReport::any_failed() const {
  const std::lock_guard lock(mutex_);
  return summary_.failed > 0;
}

BatchSummary BatchReport::finish(double seconds) {
  progress_.finish();
  summary_.seconds = seconds;
  summary_.interrupted = interrupted();
  const int finished = summary_.done + summary_.skipped + summary_.failed;
  std::string text = fmt::format("{} {}", summary_.done, options_.dry_run ? "planned" : "done");
  if (summary_.skipped > 0) text += fmt::format(", {} skipped", summary_.skipped);
  if (summary_.failed > 0) text += fmt::format(", {} failed", summary_.failed);
  if (finished < total_) text += fmt::format(", {} not begun", total_ - finished);
  text += fmt::format(" in {}", format_duration(seconds));
  if (summary_.done > 0 && !options_.dry_run) text += fmt::format(" ({:.2f} s a picture)", seconds / summary_.done);
  log(LogLevel::info, "{}{}", summary_.interrupted ? "interrupted: " : "", text);
  return summary_;
}

}  // namespace ganvas
