#include "ganvas/report/run_reporter.hpp"

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/report/event_file.hpp"
#include "report/page_frame.hpp"
#include "report/run_page.hpp"
#include "report/run_state.hpp"
#include "report/sample_store.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

std::string folder_name(const fs::path& run) {
  const fs::path folder = fs::absolute(run).lexically_normal();
  return (folder.has_filename() ? folder : folder.parent_path()).filename().string();
}

}  // namespace

struct RunReporter::Parts {
  fs::path run;
  std::string title;
  RunState state;
  SampleStore samples;
  EventFile events;
};

RunReporter::RunReporter(const fs::path& run, std::int64_t resumed_step, std::string title) {
  // What a run without a checkpoint left behind counts for nothing: it begins anew at step 0.
  const std::int64_t restart = resumed_step > 0 ? resumed_step + 1 : 0;
  if (title.empty()) title = folder_name(run);
  parts_.reset(new Parts{run, std::move(title), {}, SampleStore(run), EventFile(run, restart)});
  parts_->samples.drop_after(resumed_step > 0 ? resumed_step : -1);
  if (resumed_step <= 0) return;
  parts_->state.replay_file(run / "log.jsonl", resumed_step);
  parts_->samples.load();
}

RunReporter::~RunReporter() = default;

void RunReporter::scalars(const std::string& kind, std::int64_t step, const std::map<std::string, double>& values) {
  parts_->state.scalars(kind, step, values);
  std::map<std::string, double> tagged;
  for (const auto& [name, value] : values) tagged[kind + "/" + name] = value;
  parts_->events.scalars(step, tagged);
}

void RunReporter::event(std::int64_t step, const std::string& signal, double value, const std::string& action,
                        const std::string& text) {
  parts_->state.event({step, signal, value, action, text});
  parts_->events.scalars(step, {{"monitor/" + signal, value}});
}

void RunReporter::pictures(std::int64_t step, const std::vector<SampleRow>& rows) {
  parts_->samples.add(
      step, rows, [&](const std::string& row, const std::string& cell, const Image& image, const Bytes& png) {
        parts_->events.image(step, "samples/" + row + "/" + cell, png, image.width(), image.height(), image.channels());
      });
}

void RunReporter::update() {
  write_file_atomically(parts_->run / "report.html",
                        run_page(parts_->run, parts_->title, parts_->state, parts_->samples));
}

namespace {

/// The title that the trainer gave the page; the folder's name where there is no page.
std::string title_of(const fs::path& run) {
  try {
    const Bytes bytes = read_file(run / "report.html");
    const std::string_view page(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto begin = page.find("<title>"), end = page.find("</title>");
    if (begin < end && end != std::string_view::npos) return unescape_html(page.substr(begin + 7, end - begin - 7));
  } catch (const Error&) {
  }
  return folder_name(run);
}

}  // namespace

void rebuild_run_report(const fs::path& run, const fs::path& out) {
  if (!fs::is_directory(run)) fail(ErrorKind::file, "{}: is no folder", run.string());
  if (!fs::exists(run / "log.jsonl"))
    fail(ErrorKind::file, "{}: is no run's folder (no log.jsonl); give the --out folder of ganvas train", run.string());
  std::error_code error;
  if (!fs::is_regular_file(run / "log.jsonl", error) || fs::file_size(run / "log.jsonl", error) == 0)
    fail(ErrorKind::file, "{}: has no entries; the run hasn't begun, or its log is lost", (run / "log.jsonl").string());
  RunState state;
  state.replay_file(run / "log.jsonl");
  SampleStore samples(run);
  samples.load();
  if (samples.shown().empty())
    log(LogLevel::warning, "{}: no sample pictures; the report goes without", (run / "samples").string());
  write_page(out, run_page(run, title_of(run), state, samples));
}

}  // namespace ganvas
