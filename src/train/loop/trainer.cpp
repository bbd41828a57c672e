#include "ganvas/train/trainer.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/core/parse_number.hpp"
#include "ganvas/core/processor_wait.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/format_name.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/threads.hpp"
#include "ganvas/report/run_reporter.hpp"
#include "train/loop/folder_lock.hpp"
#include "train/loop/learner.hpp"
#include "train/loop/resume.hpp"
#include "train/loop/run_log.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

class Trainer {
 public:
  Trainer(Recipe recipe, const TrainOptions& options);
  TrainResult run();
  void load_data() { learner_->task().load_data(); }

 private:
  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (!options_.quiet) log(LogLevel::info, format, std::forward<Args>(args)...);
  }
  void check_folder();
  std::string folder_problem() const;
  void open_folder();
  void open_records();
  bool restore();
  void draw_own_noise();
  void restore_threads(const Checkpoint& checkpoint);
  void check_pictures(const Checkpoint& checkpoint);
  void save_checkpoint();
  void keep_checkpoint(const Checkpoint& checkpoint) const;
  bool keeps() const { return settings_.keep_every > 0 && step_ > 0 && step_ % settings_.keep_every == 0; }
  void start_loader();
  void train_step();
  void watch_processors();
  void roll_back(const Learner::NotFinite& bad);
  void note(const std::string& signal, double value, const std::string& action, const std::string& text);
  void validate();
  void show();
  void report();
  void export_to(const fs::path& path);
  fs::path checkpoint_path() const { return options_.out / "checkpoints" / "latest.safetensors"; }

  TrainOptions options_;
  torch::Device device_;
  Distributed group_;
  FolderLock lock_;  ///< of the first process only
  Recipe recipe_;
  TrainSettings settings_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<RunLog> log_;            ///< of the first process only
  std::unique_ptr<RunReporter> reporter_;  ///< likewise
  MeanScalars means_;
  TrainResult result_;
  std::string resolved_;
  std::string pictures_;                     ///< what the data are known by
  std::vector<Recipe::Difference> changes_;  ///< that resuming brought
  int threads_ = 0;
  std::int64_t step_ = 0;          ///< steps done
  std::int64_t resumed_step_ = 0;  ///< up to here the log is written already
  std::int64_t stale_ = 0;         ///< validations since the best one
  double began_ = 0, waited_before_ = 0;
  double watched_from_ = 0, waited_for_processor_ = 0;
  bool is_crowded_ = false;  ///< has been said
};

Trainer::Trainer(Recipe recipe, const TrainOptions& options)
    : options_(options), device_(Distributed::local_device(parse_device(options.device))), recipe_(std::move(recipe)) {
  keep_freed_memory();
  if (!options_.find_model) options_.find_model = [](const std::string& name) { return fs::path(name); };
  threads_ = use_cpu_threads(options.threads);
  group_ = Distributed::from_environment(device_);
  if (!group_.is_first()) options_.quiet = true;  // one of them tells the news
  settings_ = read_settings(recipe_, device_);
  torch::manual_seed(settings_.seed);
  learner_ = std::make_unique<Learner>(recipe_, settings_, options_, device_, group_);
  recipe_.check_all_read();
  resolved_ = recipe_.resolved();
  learner_->synchronise();
  if (group_.rank() > 0) draw_own_noise();
}

/// From here on each process has random numbers of its own.
void Trainer::draw_own_noise() { torch::manual_seed(settings_.seed + static_cast<std::uint64_t>(group_.rank())); }

/// Goes back to the last checkpoint; false when there is none.
bool Trainer::restore() {
  const fs::path path = checkpoint_path();
  if (!fs::exists(path)) return false;
  const Checkpoint checkpoint = read_checkpoint(path);
  changes_ = changes_on_resume(recipe_, checkpoint.fact("recipe", path.string()), path);
  learner_->restore(checkpoint, path.string());
  if (!checkpoint.restore_random_state(group_.rank(), group_.size())) draw_own_noise();
  restore_threads(checkpoint);
  step_ = checkpoint.count("step", path.string());
  if (step_ > settings_.steps)
    fail(ErrorKind::recipe, "{}: has done {} steps already; train.steps={} is less", path.string(), step_,
         settings_.steps);
  stale_ = checkpoint.count("stale", path.string());
  result_.best_score = std::strtod(checkpoint.fact("best_score", path.string()).c_str(), nullptr);
  const auto means = checkpoint.facts.find("means");
  means_ = MeanScalars::from(means == checkpoint.facts.end() ? std::string() : means->second);
  check_pictures(checkpoint);
  return true;
}

/// Sums are rounded by how many threads share them: the run's own number, unless another is wished.
void Trainer::restore_threads(const Checkpoint& checkpoint) {
  const auto found = checkpoint.facts.find("threads");
  if (found == checkpoint.facts.end()) return;
  const int before = parse_number<int>(found->second).value_or(0);
  if (before < 1 || before > 1024 || before == threads_) return;
  if (options_.threads == 0) threads_ = use_cpu_threads(before);
  else log(LogLevel::info, "the run had {} threads; with {} it may end with other last bits", before, threads_);
}

/// Other pictures are never taken silently: the best score would be of other data.
void Trainer::check_pictures(const Checkpoint& checkpoint) {
  const auto before = checkpoint.facts.find("pictures");
  if (before == checkpoint.facts.end() || before->second == pictures_) return;
  if (!options_.new_data)
    fail_setting(ErrorKind::usage, "new_data", "the run's pictures are others ({} there, {} here)", before->second,
                 pictures_);
  result_.best_score = -1e300;
  stale_ = 0;
  changes_.push_back({"pictures", before->second, pictures_});
}

/// By all processes together, since each has a random state.
void Trainer::save_checkpoint() {
  const torch::Tensor states = group_.gather(Checkpoint::random_state());
  if (!group_.is_first()) return;
  Checkpoint checkpoint;
  learner_->save_to(checkpoint);
  checkpoint.add_random_state(states);
  checkpoint.facts["step"] = fmt::format("{}", step_);
  checkpoint.facts["stale"] = fmt::format("{}", stale_);
  checkpoint.facts["best_score"] = fmt::format("{:a}", result_.best_score);
  checkpoint.facts["means"] = means_.text();
  checkpoint.facts["recipe"] = resolved_;
  checkpoint.facts["threads"] = fmt::format("{}", threads_);
  checkpoint.facts["pictures"] = pictures_;
  try {
    write_checkpoint(checkpoint_path(), checkpoint);
    if (keeps()) keep_checkpoint(checkpoint);
  } catch (const Error& error) {
    fail(error.kind(), "{}; {}", error.what(),
         fs::exists(checkpoint_path()) ? "the checkpoint before it is whole: make room, then go on with --resume"
                                       : "no checkpoint was written yet");
  }
}

/// The latest one under a name that stays: a second name of the file, where the file system has such.
void Trainer::keep_checkpoint(const Checkpoint& checkpoint) const {
  const fs::path kept = checkpoint_path().parent_path() / fmt::format("step-{:07}.safetensors", step_);
  std::error_code ignored, failed;
  fs::remove(kept, ignored);
  fs::create_hard_link(checkpoint_path(), kept, failed);
  if (failed) write_checkpoint(kept, checkpoint);
}

void Trainer::start_loader() {
  if (loader_) waited_before_ += loader_->waited();
  loader_.reset();
  const int batches = learner_->batches_per_step();
  // Each process takes every size()-th batch.
  loader_ = std::make_unique<Loader>(
      [this](std::int64_t index) { return learner_->task().make_batch(index * group_.size() + group_.rank()); },
      step_ * batches, settings_.loader_threads, 4 * batches);
}

void Trainer::train_step() {
  std::vector<Batch> batches;
  for (int i = 0; i < learner_->batches_per_step(); ++i) {
    batches.push_back(loader_->next());
    if (device_.is_cuda())
      for (auto& [name, tensor] : batches.back()) tensor = tensor.to(device_, /*non_blocking=*/true);
  }
  Scalars scalars;
  try {
    scalars = learner_->step(step_, batches);
  } catch (const Learner::NotFinite& bad) {
    return roll_back(bad);
  }
  ++step_;
  means_.add("", scalars);
  for (const auto& finding : learner_->watch(step_, scalars))
    note(finding.signal, finding.value, finding.action, finding.text);
}

/// Threads that share a product wait for one another: where other work takes the processor from one of them, all stand
/// still, and steps take many times as long. Nobody sees why.
void Trainer::watch_processors() {
  constexpr double period = 20, much = 0.15;
  const double now = seconds_now();
  if (is_crowded_ || options_.quiet || threads_ < 2 || now - watched_from_ < period) return;
  const double waited = seconds_without_processor(), share = (waited - waited_for_processor_) / (now - watched_from_);
  watched_from_ = now;
  waited_for_processor_ = waited;
  if (share < much) return;
  is_crowded_ = true;
  log(LogLevel::warning,
      "other work takes the processors from the {} threads, {:.0f} % of the time, and each waits for all: with fewer "
      "--threads steps may be many times as fast",
      threads_, 100 * share);
}

/// A number that is none: back to the last good checkpoint with lower rates, or the end.
void Trainer::roll_back(const Learner::NotFinite& bad) {
  const std::string what = fmt::format("{} became {}", bad.what, bad.value);
  const bool allowed = learner_->may_roll_back();
  const std::int64_t failed = step_ + 1;
  if (!allowed || !fs::exists(checkpoint_path()))
    fail(ErrorKind::data, "step {}: {}; {}; lower optimiser.{}.lr", failed, what,
         fs::exists(checkpoint_path()) ? "the last good checkpoint is kept" : "no checkpoint was written yet",
         bad.phase);
  // The attempt counts, and the rates stay low, also for a run that is resumed from here.
  Checkpoint now;
  learner_->save_to(now);
  restore();
  learner_->go_on_carefully(now, checkpoint_path().string());
  resumed_step_ = step_;
  open_records();
  save_checkpoint();
  start_loader();
  note(bad.phase, bad.value, "rollback",
       fmt::format("step {}: {}; back to step {} with lower rates", failed, what, step_));
}

void Trainer::note(const std::string& signal, double value, const std::string& action, const std::string& text) {
  if (!group_.is_first()) return;
  if (!options_.quiet)
    log(LogLevel::warning, "step {}: {} {:.4g}: {}{}", step_, signal, value, text,
        action == "warn" || action == "rollback" ? "" : fmt::format(" ({})", action));
  log_->write_event(step_, signal, value, action, text);
  reporter_->event(step_, signal, value, action, text);
}

void Trainer::validate() {
  {
    const auto averages = learner_->averaged_weights();
    const torch::NoGradGuard no_grad;
    result_.validation = learner_->task().validate();
  }
  if (result_.validation.empty()) return;
  group_.mean(result_.validation);
  std::string text;
  for (const auto& [name, value] : result_.validation) text += fmt::format(" {} {:.4f}", name, value);
  const double score = learner_->task().score(result_.validation);
  const bool best = score > result_.best_score;
  stale_ = best ? 0 : stale_ + 1;
  if (best) result_.best_score = score;
  if (!group_.is_first()) return;
  if (step_ > resumed_step_) {
    log_->write("validation", step_, result_.validation);
    reporter_->scalars("validation", step_, result_.validation);
  }
  say("step {}: validation{}{}", step_, text, best ? " (best so far)" : "");
  if (best) export_to(options_.out / "best.safetensors");
}

/// Pictures on the fixed inputs, and the page.
void Trainer::show() {
  if (!group_.is_first()) return;
  std::vector<SampleRow> rows;
  {
    const auto averages = learner_->averaged_weights();
    const torch::NoGradGuard no_grad;
    rows = learner_->task().preview();
  }
  if (!rows.empty()) reporter_->pictures(step_, rows);
  reporter_->update();
}

void Trainer::export_to(const fs::path& path) {
  const auto averages = learner_->averaged_weights();
  std::map<std::string, std::string> figures{{"ganvas.recipe", resolved_}, {"ganvas.steps", fmt::format("{}", step_)}};
  for (const auto& [name, value] : result_.validation)
    figures["ganvas.validation." + name] = fmt::format("{:.4f}", value);
  learner_->task().export_model(path, figures);
}

void Trainer::report() {
  Scalars values = means_.take();
  for (const auto& [name, rate] : learner_->rates(step_ - 1)) values[name] = rate;
  if (!group_.is_first()) return;
  const double elapsed = seconds_now() - began_;
  values["seconds"] = elapsed;
  values["wait_share"] = (waited_before_ + loader_->waited()) / std::max(elapsed, 1e-9);
  log_->write("train", step_, values);
  reporter_->scalars("train", step_, values);
}

/// Before the data are read: whether the folder is free, or holds the run that is to go on. The first process alone
/// looks, since it soon writes there; all end if it may not.
void Trainer::check_folder() {
  std::string problem;
  if (group_.is_first()) {
    try {
      lock_ = FolderLock(options_.out);
      problem = folder_problem();
    } catch (const Error& error) {
      if (group_.size() == 1) throw;
      problem = error.what();
    }
  }
  if (group_.any(!problem.empty()))
    fail(ErrorKind::usage, "{}", problem.empty() ? "the first process refuses its folder" : problem);
}

namespace {

/// What shows that a folder is something else's: a sweep's plan, or pictures (a run's own are in folders below).
std::optional<std::string> holds_others(const fs::path& folder) {
  std::error_code error, unknown;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (const fs::path name = entry.path().filename();
        name == "sweep.json" || (entry.is_regular_file(unknown) && format_from_name(name.extension().string())))
      return name.string();
  return std::nullopt;
}

}  // namespace

std::string Trainer::folder_problem() const {
  const fs::path& out = options_.out;
  if (fs::exists(checkpoint_path()))
    return options_.resume
               ? ""
               : fmt::format("{}: holds a run already; give --resume to go on, or another --out", out.string());
  for (const char* name : {"model.safetensors", "best.safetensors"})
    if (fs::exists(out / name))
      return fmt::format("{}: belongs to a run whose checkpoint is gone; move it, or give another --out",
                         (out / name).string());
  // A run that was killed early leaves its recipe and its log.
  if (fs::exists(out / "recipe.toml") && !fs::exists(out / "log.jsonl"))
    return fmt::format("{}: would be replaced, but is no run's; give another --out", (out / "recipe.toml").string());
  // A slip of the name would strew a run's files among them.
  if (const auto other = fs::exists(out / "log.jsonl") ? std::nullopt : holds_others(out))
    return fmt::format("{}: is no run's folder: {} is in it; give another --out", out.string(), *other);
  return "";
}

/// The run's folder, its checkpoint, its log.
void Trainer::open_folder() {
  std::error_code error;
  fs::create_directories(options_.out / "checkpoints", error);
  if (error) fail(ErrorKind::file, "{}: can't create: {}", options_.out.string(), error.message());
  if (options_.resume && !restore())
    say("{}: no checkpoint yet, starting from the beginning", checkpoint_path().string());
  resumed_step_ = step_;
  if (!group_.is_first()) return;
  write_file_atomically(options_.out / "recipe.toml", resolved_);
  open_records();
  for (const auto& change : changes_) {
    log(LogLevel::info, "resumed with another {}", change.text());
    log_->write_event(step_, "resume", 0, "changed", change.text());
    reporter_->event(step_, "resume", 0, "changed", change.text());
  }
}

/// Log and report from `resumed_step_` on; what they hold of later steps goes.
void Trainer::open_records() {
  if (!group_.is_first()) return;
  log_ = std::make_unique<RunLog>(options_.out / "log.jsonl", resumed_step_);
  reporter_ = std::make_unique<RunReporter>(options_.out, resumed_step_, options_.out.filename().string());
}

TrainResult Trainer::run() {
  check_folder();
  pictures_ = fingerprint_of(options_.data);
  load_data();
  open_folder();
  const std::int64_t end = std::min(settings_.steps, options_.stop_at.value_or(settings_.steps));
  // A number that is none in the first steps leads back to here, with lower rates.
  if (group_.any(group_.is_first() && step_ == 0 && !fs::exists(checkpoint_path()))) save_checkpoint();
  start_loader();
  std::optional<Progress> progress;
  if (!options_.quiet) progress.emplace("train", static_cast<double>(settings_.steps), static_cast<double>(step_));
  began_ = watched_from_ = seconds_now();
  waited_for_processor_ = seconds_without_processor();
  const auto tired = [&] { return settings_.patience > 0 && stale_ >= settings_.patience; };
  bool stopped = false;
  while (step_ < end && !tired() && !(stopped = group_.any(interrupted()))) {
    const std::int64_t before = step_;
    train_step();
    if (step_ <= before) continue;  // rolled back
    watch_processors();
    if (progress) progress->update(static_cast<double>(step_));
    if (options_.after_step) options_.after_step(step_);
    if (step_ % settings_.log_every == 0) report();
    const bool last = step_ == settings_.steps;
    if (step_ % settings_.validate_every == 0 || last) validate();
    if (step_ % settings_.sample_every == 0 || last) show();
    if (step_ % settings_.checkpoint_every == 0 || keeps() || step_ == end || tired()) save_checkpoint();
  }
  progress.reset();
  result_.steps = step_;
  result_.finished = step_ == settings_.steps || tired();
  result_.first = group_.is_first();
  result_.wait_share = (waited_before_ + loader_->waited()) / std::max(seconds_now() - began_, 1e-9);
  if (!result_.finished && stopped) {
    save_checkpoint();
    fail(ErrorKind::interrupted, "interrupted after step {}; go on with --resume", step_);
  }
  if (result_.finished && group_.is_first()) {
    if (result_.validation.empty()) validate();  // resumed when all was done
    export_to(options_.out / "model.safetensors");
    reporter_->update();
  }
  return result_;
}

}  // namespace

TrainResult train(Recipe recipe, const TrainOptions& options) { return Trainer(std::move(recipe), options).run(); }

void check_training(Recipe recipe, const TrainOptions& options) { Trainer(std::move(recipe), options).load_data(); }

std::string resolve_recipe(Recipe recipe, const FindModel& find_model) {
  return read_to_end(std::move(recipe), find_model).resolved();
}

Recipe read_to_end(Recipe recipe, const FindModel& find_model) {
  const torch::Device device(torch::kCPU);
  const TrainSettings settings = read_settings(recipe, device);
  const Distributed alone;
  TrainOptions options;
  options.find_model = find_model;
  Learner(recipe, settings, options, device, alone);
  recipe.check_all_read();
  return recipe;
}

}  // namespace ganvas
