// Faults while the program works: killed at any moment, a full disk, a reader that goes away. Each ends with
// nothing half, and the same command, run again, with the bytes of a run that nothing happened to.
#include <sys/mount.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/program.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// How often the tests kill: GANVAS_KILLS, a few otherwise.
int wanted_kills() {
  const char* given = std::getenv("GANVAS_KILLS");
  return given && *given ? std::atoi(given) : 3;
}

std::map<std::string, Bytes> files_in(const fs::path& folder) {
  std::map<std::string, Bytes> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder))
    files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

/// Whether each file without a dot in front is the whole file of that name.
void check_whole(const fs::path& folder, const std::map<std::string, Bytes>& whole) {
  for (const auto& [name, bytes] : files_in(folder)) {
    if (name.starts_with('.')) continue;
    CAPTURE(name);
    CHECK(bytes == whole.at(name));
  }
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The i-th of any number of times within `longest` seconds, spread evenly however many are taken: multiples of the
/// golden ratio, modulo 1 (Weyl).
double kill_time(int i, double longest) {
  constexpr double golden = 0.6180339887498949;
  return longest * std::fmod((i + 1) * golden, 1.0);
}

/// Starts the program and kills it after so many seconds; whether it was still running.
bool killed(const std::vector<std::string>& arguments, double after) {
  const auto begin = std::chrono::steady_clock::now();
  Program program(arguments);
  program.signal_when([&] { return seconds_since(begin) > after; }, SIGKILL);
  return program.finish().code == -SIGKILL;
}

/// Twelve pictures, and the command that enlarges them into `out`.
struct Job {
  explicit Job(const fs::path& folder) : in(folder / "in") {
    fs::create_directories(in);
    for (int i = 0; i < 12; ++i) write_image(in / fmt::format("{:02}.png", i), noise(40, 30, 3, Depth::u8, i));
  }
  std::vector<std::string> command(const fs::path& out) const {
    return {"upscale", in.string(), "-o", out.string(), "-m", "photo-x2", "--skip-existing", "--threads", "1"};
  }
  fs::path in;
};

/// A small file system in memory, gone at the end of the scope.
class SmallDisk {
 public:
  SmallDisk(const fs::path& place, const char* size) : place_(place) {
    fs::create_directories(place);
    mounted_ = ::mount("tmpfs", place.c_str(), "tmpfs", 0, (std::string("size=") + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(place_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  void resize(const std::string& size) const {
    REQUIRE(::mount("tmpfs", place_.c_str(), "tmpfs", MS_REMOUNT, ("size=" + size).c_str()) == 0);
  }

 private:
  fs::path place_;
  bool mounted_ = false;
};

std::vector<std::string> training(const fs::path& folder, const std::string& out, std::vector<std::string> more = {}) {
  if (!fs::exists(folder / "tiny.toml")) {
    fs::create_directories(folder / "hr");
    for (int i = 0; i < 3; ++i) write_image(folder / "hr" / fmt::format("{}.png", i), noise(40, 36, 3, Depth::u8, i));
    std::ofstream(folder / "tiny.toml")
        << "[generator]\nscale = 2\nchannels = 8\nconvs = 1\n[data]\ncrop = 8\nhold_out = 1\n"
           "[train]\nsteps = 150\nbatch = 2\ncheckpoint_every = 5\nlog_every = 7\nvalidate_every = 50\nprecision = "
           "\"fp32\"\n";
  }
  std::vector<std::string> all{"train",     (folder / "tiny.toml").string(),
                               "--data",    (folder / "hr").string(),
                               "-o",        (folder / out).string(),
                               "--device",  "cpu",
                               "--threads", "1"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// A run's log without what the clock says.
std::vector<nlohmann::json> log_of(const fs::path& run) {
  std::ifstream stream(run / "log.jsonl");
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(nlohmann::json::parse(line, nullptr, false));
    for (const char* of_the_clock : {"seconds", "wait_share"}) lines.back().erase(of_the_clock);
  }
  return lines;
}

}  // namespace

TEST_CASE("faults: a batch that is killed at any moment leaves whole files alone, and ends with the same bytes") {
  const TemporaryFolder folder;
  const Job job(folder.path());
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(run_ganvas(job.command(folder / "whole")).code == 0);
  const double longest = seconds_since(begin);
  const auto whole = files_in(folder / "whole");
  REQUIRE(whole.size() == 12);
  int kills = 0;
  for (int i = 0; kills < wanted_kills() && i < 10 * wanted_kills(); ++i) {
    // What is done already stays; now and then the work begins anew.
    if (files_in(folder / "out").size() >= whole.size()) fs::remove_all(folder / "out");
    kills += killed(job.command(folder / "out"), kill_time(i, longest));
    check_whole(folder / "out", whole);
  }
  CHECK(kills == wanted_kills());
  CHECK(run_ganvas(job.command(folder / "out")).code == 0);
  CHECK(files_in(folder / "out") == whole);  // and nothing else: what killed runs left is gone
}

TEST_CASE("faults: a training that is killed at any moment goes on each time, to the same bytes") {
  const TemporaryFolder folder;
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(run_ganvas(training(folder.path(), "whole")).code == 0);
  const double longest = seconds_since(begin);
  int kills = 0;
  for (int i = 0; kills < wanted_kills() && i < 10 * wanted_kills(); ++i) {
    if (fs::exists(folder / "run/model.safetensors")) fs::remove_all(folder / "run");
    kills += killed(training(folder.path(), "run", {"--resume"}), kill_time(i, longest));
  }
  CHECK(kills == wanted_kills());
  const Finished rest = run_ganvas(training(folder.path(), "run", {"--resume"}));
  CAPTURE(rest.err);
  REQUIRE(rest.code == 0);
  for (const char* file : {"model.safetensors", "best.safetensors", "recipe.toml", "checkpoints/latest.safetensors"})
    CHECK(read_file(folder / "whole" / file) == read_file(folder / "run" / file));
  CHECK(log_of(folder / "whole").size() > 3);
  CHECK(log_of(folder / "whole") == log_of(folder / "run"));
  for (const auto& entry : fs::recursive_directory_iterator(folder / "run"))
    CHECK_FALSE(entry.path().string().ends_with(".part"));
}

TEST_CASE("faults: a full disk costs the files that don't fit, with one line, and no other") {
  const TemporaryFolder folder;
  const SmallDisk disk(folder / "small", "96k");
  if (!disk.mounted()) {
    std::printf("[skipped] may not mount a small file system\n");
    return;
  }
  const Job job(folder.path());
  REQUIRE(run_ganvas(job.command(folder / "whole")).code == 0);
  const auto whole = files_in(folder / "whole");
  const Finished full = run_ganvas(job.command(folder / "small/out"));
  CAPTURE(full.err);
  CHECK(full.code == 1);
  CHECK(contains(full.err, "No space left"));
  const auto written = files_in(folder / "small/out");
  CHECK(written.size() < whole.size());
  for (const auto& [name, bytes] : written) CHECK(whole.at(name) == bytes);  // nothing hidden either
  disk.resize("8m");
  CHECK(run_ganvas(job.command(folder / "small/out")).code == 0);
  CHECK(files_in(folder / "small/out") == whole);
}

TEST_CASE("faults: a disk that fills up in the middle of a training costs what came after its last checkpoint") {
  const TemporaryFolder folder;
  const SmallDisk disk(folder / "small", "64m");
  if (!disk.mounted()) {
    std::printf("[skipped] may not mount a small file system\n");
    return;
  }
  REQUIRE(run_ganvas(training(folder.path(), "whole")).code == 0);
  REQUIRE(run_ganvas(training(folder.path(), "small/run", {"--stop-at", "50"})).code == 0);
  // Beside the run as it stands there is no room for a second checkpoint, which comes before the first one goes.
  const std::uintmax_t checkpoint = fs::file_size(folder / "small/run/checkpoints/latest.safetensors");
  const fs::space_info space = fs::space(folder / "small");
  const std::uintmax_t used = space.capacity - space.free;
  disk.resize(fmt::format("{}", used + checkpoint / 2));
  const Bytes before = read_file(folder / "small/run/checkpoints/latest.safetensors");
  const Finished stopped = run_ganvas(training(folder.path(), "small/run", {"--resume"}));
  CAPTURE(stopped.err);
  CHECK(stopped.code == 1);
  const auto at = stopped.err.find("error: ");
  REQUIRE(at != std::string::npos);
  CHECK(line_count(stopped.err.substr(at)) == 1);
  CHECK(contains(stopped.err.substr(at), "No space left"));
  CHECK(contains(stopped.err.substr(at), "the checkpoint before it is whole: make room, then go on with --resume"));
  CHECK(read_file(folder / "small/run/checkpoints/latest.safetensors") == before);
  for (const auto& entry : fs::recursive_directory_iterator(folder / "small"))
    CHECK_FALSE(entry.path().string().ends_with(".part"));
  disk.resize("64m");
  const Finished rest = run_ganvas(training(folder.path(), "small/run", {"--resume"}));
  CAPTURE(rest.err);
  CHECK(rest.code == 0);
  for (const char* file : {"model.safetensors", "checkpoints/latest.safetensors"})
    CHECK(read_file(folder / "whole" / file) == read_file(folder / "small/run" / file));
}

TEST_CASE("faults: a reader that goes away is named, and is the exit code of a failure") {
  const TemporaryFolder folder;
  write_image(folder / "a.png", noise(200, 150, 3, Depth::u8));  // its result is more than a pipe holds
  const std::string picture = (folder / "a.png").string();
  const Finished finished = run_ganvas(
      {"-c",
       fmt::format("{} -q upscale {} -m photo-x2 -o - --format ppm | head -c 100 >/dev/null; exit ${{PIPESTATUS[0]}}",
                   GANVAS_BINARY, picture)},
      {}, {.binary = "/bin/bash", .environment = {}});
  CAPTURE(finished.err);
  CHECK(finished.code == 1);
  CHECK(line_count(finished.err) <= 2);  // the picture, and that results are lost
  CHECK(contains(finished.err, "a.png: standard output: can't write"));
}
