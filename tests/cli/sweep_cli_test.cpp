#include <algorithm>
#include <fstream>
#include <set>

#include "cli/program.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// The ring of Gaussians needs no pictures, and a step takes a millisecond.
const std::string kBase =
    "task = \"mixture\"\n[mixture]\nwidth = 8\ndeviation = 0.2\n[discriminator]\narchitecture = \"mlp\"\nwidth = 8\n"
    "[train]\nsteps = 32\nbatch = 8\nprecision = \"fp32\"\nema = 0.0\nlog_every = 4\nvalidate_every = 2\n"
    "checkpoint_every = 2\n[optimiser.generator]\nlr = 1e-3\n[optimiser.discriminator]\nlr = 1e-3\n";
const std::string kRanges =
    "[rungs]\nfirst = 2\n[range.train]\nbatch = [4, 8, 16]\n[range.optimiser.generator.lr]\n"
    "distribution = \"log-uniform\"\nmin = 1e-4\nmax = 1e-2\n";

struct SweepFiles {
  TemporaryFolder folder;
  std::string out = (folder / "out").string();
  explicit SweepFiles(const std::string& sweep, const std::string& base = kBase) {
    std::ofstream(folder / "base.toml") << base;
    write(sweep);
  }
  void write(const std::string& sweep) const {
    std::ofstream(folder / "s.toml") << "recipe = \"base.toml\"\n" << sweep;
  }
  std::vector<std::string> command(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{"sweep", (folder / "s.toml").string(), "-o", out, "--device", "cpu", "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished run(const std::vector<std::string>& more = {}) const { return run_ganvas(command(more)); }
  std::size_t judged() const {
    std::error_code error;
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder / "out/results", error))
      count += !entry.path().filename().string().starts_with(".");
    return count;
  }
};

/// The lines of a finished sweep's --json: every trial once, in the order of rungs and scores.
void check_ranking(const Finished& result, int trials) {
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  const auto lines = result.lines();
  REQUIRE(static_cast<int>(lines.size()) == trials + 1);
  std::set<int> seen;
  std::pair<int, double> before{1000, 0};
  for (int i = 0; i < trials; ++i) {
    const auto& line = lines[static_cast<std::size_t>(i)];
    CHECK(line["rank"] == i + 1);
    seen.insert(line["trial"].get<int>());
    const std::pair<int, double> now{line["rung"], line["score"].is_null() ? -1e9 : line["score"].get<double>()};
    if (!line.contains("failure")) CHECK(now <= before);
    before = now;
  }
  CHECK(static_cast<int>(seen.size()) == trials);
  CHECK(lines.back()["finished"] == true);
}

}  // namespace

TEST_CASE("sweep: a table, a page, a best recipe that trains, and at once when all is done") {
  const SweepFiles files("trials = 6\nrepeats = 2\n" + kRanges);
  const Finished first = files.run();
  CAPTURE(first.err);
  REQUIRE(first.code == 0);
  CHECK(first.out.starts_with("rank"));
  CHECK(line_count(first.out) == 8);  // head, trials, repeats
  CHECK(contains(first.out, "optimiser.generator.lr"));
  CHECK(contains(first.out, "standard deviation"));
  CHECK(contains(first.err, "best.toml"));
  const Finished again = files.run({"--json", "-q"});
  check_ranking(again, 6);
  CHECK(again.err.empty());
  CHECK(again.lines().back()["repeats"].size() == 2);
  CHECK(files.run({"-q"}).out == first.out);

  const Bytes page = read_file(files.folder / "out/report.html");
  const std::string text(page.begin(), page.end());
  CHECK(contains(text, "optimiser.generator.lr"));
  CHECK(contains(text, "\"finished\":true"));

  const Finished trained = run_ganvas({"train", files.out + "/best.toml", "-o", (files.folder / "best").string(),
                                       "--device", "cpu", "--threads", "1", "--set", "train.steps=3"});
  CAPTURE(trained.err);
  CHECK(trained.code == 0);
  CHECK(fs::exists(files.folder / "best/model.safetensors"));
}

TEST_CASE("sweep: two processes on one folder, one of them killed: every trial ends, as if nothing had happened") {
  const std::string sweep = "trials = 12\n" + kRanges;
  const SweepFiles files(sweep), calm(sweep);
  Program killed(files.command());
  Program other(files.command({"--json"}));
  killed.signal_when([&] { return files.judged() >= 3; }, SIGKILL);
  CHECK(killed.finish().code == -SIGKILL);
  check_ranking(other.finish(), 12);
  // A trial's score at a rung follows from its values, whoever trained it and however often it was begun.
  check_ranking(calm.run({"--json"}), 12);
  for (int trial = 0; trial < 12; ++trial) {
    const std::string name = fmt::format("out/results/trial-{:04}-rung-0.json", trial);
    const auto value = [&](const SweepFiles& one) {
      const Bytes bytes = read_file(one.folder / name);
      return nlohmann::json::parse(bytes.begin(), bytes.end())["value"];
    };
    CHECK(value(files) == value(calm));
  }
}

TEST_CASE("sweep: interrupted it ends with 130, and the same command goes on") {
  const SweepFiles files("trials = 8\n" + kRanges);
  {
    Program interrupted(files.command());
    interrupted.signal_when([&] { return files.judged() >= 2; }, SIGINT);
    const Finished result = interrupted.finish();
    CAPTURE(result.err);
    CHECK(result.code == 130);
    CHECK(result.out.empty());
    CHECK(contains(result.err, "the same command goes on"));
  }
  {
    Program workers(files.command({"--workers", "2"}));
    const std::size_t before = files.judged();
    workers.signal_when([&] { return files.judged() > before + 1; }, SIGTERM);
    const Finished result = workers.finish();
    CAPTURE(result.err);
    CHECK(result.code == 130);
  }
  const Finished rest = files.run({"--workers", "2", "--json"});
  check_ranking(rest, 8);
}

TEST_CASE("sweep: a failed trial has the worst rank and its reason, and when all fail, so does the sweep") {
  const SweepFiles files("method = \"grid\"\n[rungs]\nfirst = 8\n[range.optimiser.generator]\nlr = [1e-3, 1e6, -1]\n");
  const Finished result = files.run({"--json"});
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.err, "trial 2 will fail"));
  const auto lines = result.lines();
  REQUIRE(lines.size() == 4);
  CHECK(lines[0]["trial"] == 0);
  for (std::size_t i = 1; i < 3; ++i) {
    CHECK(lines[i]["state"] == "failed");
    CHECK(lines[i]["score"].is_null());
    CHECK_FALSE(lines[i]["failure"].get<std::string>().empty());
  }
  const SweepFiles hopeless("[rungs]\nfirst = 8\n[range.optimiser.generator]\nlr = [9e5, 1e6]\n");
  const Finished failed = hopeless.run({"-q"});
  CHECK(failed.code == 1);
  CHECK(contains(failed.err, "all 16 trials failed"));
}

TEST_CASE("sweep: other metrics than the task's own, by name") {
  const SweepFiles files("trials = 3\nmetric = \"close\"\ngoal = \"minimise\"\n" + kRanges);
  const Finished result = files.run({"--json"});
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.lines()[0].contains("close"));
  const SweepFiles wrong("trials = 3\nmetric = \"psnr\"\ngoal = \"maximise\"\n" + kRanges);
  check_error(wrong.run({"-q"}), 2, {"'psnr'", "close, modes"});
}

TEST_CASE("sweep: --dry-run lists the trials and what they cost, and makes nothing") {
  const SweepFiles files("trials = 12\nrepeats = 1\n" + kRanges);
  const Finished table = files.run({"--dry-run"});
  CAPTURE(table.err);
  CHECK(table.code == 0);
  CHECK(contains(table.out, "rung 1: 12 trials from 0 to 2 steps: 24 steps"));
  // 12 x 2 + 3 x 6 + 1 x 24 and a repeat of 32.
  CHECK(contains(table.out, "about 98 steps in all; 416 if every trial went to the end"));
  const Finished lines = files.run({"--dry-run", "--json"});
  REQUIRE(lines.lines().size() == 13);
  CHECK(lines.lines().back()["steps"] == 98);
  CHECK_FALSE(fs::exists(files.out));
  const Finished example = run_ganvas({"sweep", GANVAS_SOURCE_DIR "/tools/examples/sweep.toml", "--dry-run"});
  CAPTURE(example.err);
  CHECK(example.code == 0);
  CHECK(contains(example.out, "rung 3: 2 trials from 3000 to 9000 steps"));
  CHECK_FALSE(contains(example.out, "will fail"));
}

TEST_CASE("sweep: what is wrong is said in one line, and leaves no folder") {
  SweepFiles files("trials = 3\n" + kRanges);
  check_error(run_ganvas({"sweep", (files.folder / "none.toml").string(), "-o", files.out}), 2,
              {"none.toml", "no such"});
  check_error(files.run({"--out", ""}), 2, {"-o"});
  const auto refused = [&](const std::string& sweep, const std::vector<const char*>& parts) {
    files.write(sweep);
    check_error(files.run({"-q"}), 2, parts);
    CHECK_FALSE(fs::exists(files.out));
  };
  refused("trials {3}", {"s.toml: line 2"});
  refused("[range.train]\nbatsh = [4, 8]\n", {"train.batsh", "did you mean train.batch"});
  refused("[set.train]\nsteps = \"many\"\n[range.train]\nbatch = [4, 8]\n", {"train.steps", "many"});
  refused("[range.train]\nbatch = [0, -1]\n", {"train.batch", "not in 1"});
  refused("[rungs]\nfirst = 100\n[range.train]\nbatch = [4, 8]\n", {"rungs.first", "train.steps = 32"});
  refused("recipe = \"x\"\n[range.train]\nbatch = [4, 8]\n", {"recipe", "twice"});
  std::ofstream(files.folder / "s.toml") << "recipe = \"no-such-recipe\"\n[range.train]\nbatch = [4, 8]\n";
  check_error(files.run({"-q"}), 2, {"no-such-recipe"});
  // Data that aren't there fail no trial.
  std::ofstream(files.folder / "s.toml") << "recipe = \"photo-x4\"\n[range.train]\nbatch = [4, 8]\n";
  check_error(files.run({"-q", "--data", (files.folder / "nothing").string()}), 1, {"nothing"});
  CHECK_FALSE(fs::exists(files.out));
  const Setting grouped{.environment = {{"OMPI_COMM_WORLD_SIZE", "2"},
                                        {"OMPI_COMM_WORLD_RANK", "0"},
                                        {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}}};
  check_error(run_ganvas(files.command(), {}, grouped), 2, {"OpenMPI", "--workers"});
}

TEST_CASE("sweep: a folder that holds another sweep or something else is refused") {
  SweepFiles files("trials = 2\n[range.train]\nbatch = [4, 8]\n");
  REQUIRE(files.run({"-q"}).code == 0);
  files.write("trials = 3\n[range.train]\nbatch = [4, 8]\n");
  check_error(files.run({"-q"}), 2, {"another sweep", "trials: 2 there, 3 here"});
  files.write("trials = 2\n[set.mixture]\nwidth = 4\n[range.train]\nbatch = [4, 8]\n");
  check_error(files.run({"-q"}), 2, {"another sweep", "set.mixture.width"});
  files.write("trials = 2\n[range.train]\nbatch = [4, 8]\n");
  std::ofstream(files.folder / "base.toml", std::ios::app) << "beta1 = 0.4\n";
  check_error(files.run({"-q"}), 2, {"another sweep", "recipe: optimiser.discriminator.beta1"});
  files.out = (files.folder / "out/trials/0000").string();
  check_error(files.run({"-q"}), 2, {"something else"});
}
