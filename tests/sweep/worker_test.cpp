#include "ganvas/sweep/worker.hpp"

#include <atomic>
#include <cmath>
#include <mutex>
#include <set>
#include <thread>

#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/sweep/figure.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

struct Setup {
  Recipe file;
  Sweep sweep;
  SweepIdentity identity;
};

Setup setup(const fs::path& out, const std::string& more = "") {
  Setup setup;
  setup.file = Recipe::parse(
      "recipe = \"r\"\n" + more + "[rungs]\nfirst = 2\n[range.a.b]\ndistribution = \"uniform\"\nmin = 0\nmax = 1\n",
      "s.toml");
  setup.sweep.plan = SweepPlan::read(setup.file);
  setup.sweep.name = "s";
  setup.sweep.rungs = setup.sweep.plan.rungs(32, 1, "s.toml");
  setup.sweep.options.out = out;
  setup.identity = {.plan = setup.file.resolved(), .recipe = "", .places = {{"--data", "x"}}};
  return setup;
}

/// A training whose value is the parameter itself; it leaves what the best recipe is made from.
double train_fake(const SweepJob& job, const std::function<void(std::int64_t)>& step) {
  fs::create_directories(job.folder);
  write_file_atomically(job.folder / "recipe.toml", "[a]\nb = " + job.values.at(0).second + "\n");
  for (std::int64_t i = job.from + 1; i <= job.steps; ++i) step(i);
  return std::strtod(job.values.at(0).second.c_str(), nullptr);
}

struct Quiet {
  Quiet() : before(log_level()) { set_log_level(LogLevel::error); }
  ~Quiet() { set_log_level(before); }
  LogLevel before;
};

std::string text_of(const fs::path& file) {
  const Bytes bytes = read_file(file);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("sweep: three workers do every trial once, and find the best") {
  const Quiet quiet;
  const TemporaryFolder folder;
  const Setup own = setup(folder.path(), "trials = 20\nrepeats = 2\n");
  SweepFolder(folder.path()).create(own.identity);
  std::mutex mutex;
  std::multiset<std::pair<std::string, std::int64_t>> done;
  const SweepTrainer train = [&](const SweepJob& job, const std::function<void(std::int64_t)>& step) {
    {
      const std::lock_guard lock(mutex);
      done.insert({job.name, job.steps});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return train_fake(job, step);
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i)
    workers.emplace_back([&] {
      SweepFolder mine(folder.path());
      CHECK(work_on(own.sweep, mine, train).finished);
    });
  for (auto& worker : workers) worker.join();
  for (const auto& item : done) CHECK(done.count(item) == 1);

  SweepFolder again(folder.path());
  const SweepState state = read_state(own.sweep, again);
  CHECK(state.finished);
  CHECK(state.repeats.size() == 2);
  REQUIRE(state.standing.ranking().size() == 20);
  double largest = 0;
  for (int trial = 0; trial < 20; ++trial)
    largest = std::max(largest, std::strtod(own.sweep.plan.values_of(trial)[0].second.c_str(), nullptr));
  CHECK(state.standing.best()->value == largest);
  CHECK(state.standing.best()->steps == 32);
  CHECK(text_of(folder / "best.toml").find("[a]\nb = ") != std::string::npos);
  // Finished, the same again trains nothing.
  CHECK(work_on(own.sweep, again, [](auto&, auto&) -> double { throw 1; }).finished);
}

TEST_CASE("sweep: failures are ranked last with their reasons, and stop nothing") {
  const Quiet quiet;
  const TemporaryFolder folder;
  const Setup own = setup(folder.path(), "trials = 8\n");
  SweepFolder files(folder.path());
  files.create(own.identity);
  const SweepState state = work_on(own.sweep, files, [&](const SweepJob& job, auto& step) -> double {
    if (job.name == "trial 2") throw SweepTrialFailed{"step 1: it <became> nan", 1};
    if (job.name == "trial 3") return NAN;
    return train_fake(job, step);
  });
  CHECK(state.finished);
  const auto ranking = state.standing.ranking();
  REQUIRE(ranking.size() == 8);
  CHECK(ranking[7].latest.trial == 3);
  CHECK(ranking[6].latest.trial == 2);
  CHECK(ranking[6].latest.failure == "step 1: it <became> nan");
  says(ranking[7].latest.failure, {"score", "nan"});
  const std::string page = text_of(folder / "report.html");
  CHECK(page.find("it \\u003cbecame> nan") != std::string::npos);
  CHECK(page.find("http") == page.find("http://www.w3.org/2000/svg"));  // a name, and nothing to fetch
}

TEST_CASE("sweep: an interruption ends at once and cleanly, an error of the surroundings too") {
  const Quiet quiet;
  const TemporaryFolder folder;
  const Setup own = setup(folder.path(), "trials = 4\n");
  SweepFolder files(folder.path());
  files.create(own.identity);
  refusal(ErrorKind::file, [&] {
    work_on(own.sweep, files, [](auto&, auto&) -> double { fail(ErrorKind::file, "no space left on device"); });
  });
  CHECK(files.results().empty());
  refusal(ErrorKind::interrupted, [&] {
    work_on(own.sweep, files, [](auto&, auto&) -> double {
      set_interrupted(true);
      throw_if_interrupted();
      return 0;
    });
  });
  set_interrupted(false);
  CHECK(files.results().empty());
  CHECK(work_on(own.sweep, files, train_fake).finished);  // nothing is held any more
}

TEST_CASE("sweep: who doesn't want to wait leaves what others hold") {
  const Quiet quiet;
  const TemporaryFolder folder;
  Setup own = setup(folder.path(), "trials = 3\n");
  own.sweep.options.wait = false;
  SweepFolder files(folder.path());
  files.create(own.identity);
  ClaimBoard others(files.claims(), 100);
  const auto held = others.take("trial-0001", 0, "");
  const SweepState state = work_on(own.sweep, files, train_fake);
  CHECK_FALSE(state.finished);
  CHECK(state.results.size() == 2);
}

TEST_CASE("sweep: what a process that is suspended still holds is left for a while") {
  const Quiet quiet;
  const TemporaryFolder folder;
  Setup own = setup(folder.path(), "trials = 3\n");
  own.sweep.options.stale = 0.2;
  SweepFolder files(folder.path());
  files.create(own.identity);
  int busy = 0;
  const SweepState state = work_on(own.sweep, files, [&](const SweepJob& job, auto& step) -> double {
    if (job.name == "trial 0" && ++busy < 3) throw SweepTrialBusy();
    return train_fake(job, step);
  });
  CHECK(state.finished);
  CHECK(busy >= 3);
}

TEST_CASE("sweep: a folder is one sweep's, and a difference is named") {
  const TemporaryFolder folder;
  const Setup own = setup(folder / "s", "trials = 4\n");
  const Recipe none;
  SweepFolder files(folder / "s");
  CHECK_FALSE(files.holds(own.file, none, own.identity));
  files.create(own.identity);
  CHECK(files.holds(own.file, none, own.identity));
  const Setup more = setup(folder / "s", "trials = 5\n");
  says(refusal(ErrorKind::usage, [&] { files.holds(more.file, none, more.identity); }),
       {"another sweep", "trials: 4 there, 5 here"});
  SweepIdentity elsewhere = own.identity;
  elsewhere.places = {{"--data", "y"}};
  says(refusal(ErrorKind::usage, [&] { files.holds(own.file, none, elsewhere); }), {"--data: x there, y here"});
  Recipe recipe;
  recipe.integer("train.batch", 8);
  recipe.set("train.batch=4");
  recipe.integer("train.batch", 8);
  says(refusal(ErrorKind::usage, [&] { files.holds(own.file, recipe, own.identity); }), {"recipe: train.batch"});

  write_file_atomically(folder / "s/sweep.json", "torn");
  says(refusal(ErrorKind::file, [&] { files.holds(own.file, none, own.identity); }), {"sweep.json", "damaged"});
  fs::create_directories(folder / "other");
  write_file_atomically(folder / "other/x", "mine");
  says(refusal(ErrorKind::usage, [&] { SweepFolder(folder / "other").holds(own.file, none, own.identity); }),
       {"other", "something else"});
  says(refusal(ErrorKind::usage, [&] { SweepFolder(folder / "other/x").holds(own.file, none, own.identity); }),
       {"something else"});
}

TEST_CASE("sweep: a figure of the validation is found by its name, the best one up to a step") {
  const TemporaryFolder folder;
  const fs::path log = folder / "log.jsonl";
  write_file_atomically(log,
                        "{\"kind\":\"validation\",\"step\":5,\"l1\":0.5,\"fid\":\"inf\"}\n"
                        "{\"kind\":\"train\",\"step\":6,\"l1\":0.01}\ntorn{\n"
                        "{\"kind\":\"validation\",\"step\":10,\"l1\":0.3,\"fid\":9}\n"
                        "{\"kind\":\"validation\",\"step\":15,\"l1\":0.1,\"fid\":8}\n");
  CHECK(best_figure(log, "l1", false, 10) == 0.3);
  CHECK(best_figure(log, "l1", true, 10) == 0.5);
  CHECK(best_figure(log, "l1", false, 15) == 0.1);
  CHECK(std::isnan(best_figure(log, "fid", false, 5)));
  CHECK(std::isnan(best_figure(folder / "none", "fid", false, 5)));
  says(refusal(ErrorKind::recipe, [&] { best_figure(log, "psnr", true, 10); }), {"'psnr'", "fid, l1"});
}
