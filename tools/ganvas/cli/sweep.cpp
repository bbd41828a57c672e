#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "cli/training_options.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/launch.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas::cli {

namespace {

using Part = SweepRequest::Part;

/// Worker processes, forked while this one has neither threads nor LibTorch. They are told once to end when this one
/// is told, and when it dies.
class Workers {
 public:
  /// In the child, what fork() gives: 0.
  pid_t start() {
    const pid_t parent = ::getpid(), child = ::fork();
    if (child < 0) fail(ErrorKind::memory, "a worker can't be started: {}", std::strerror(errno));
    if (child > 0) {
      running_.push_back(child);
      return child;
    }
    // A terminal's Ctrl-C goes to this program's first process alone, which passes it on: twice would mean at once.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(exit_code(ErrorKind::interrupted));
    return 0;
  }

  /// Waits for all. Gives the largest exit code, that of a killed one being 1.
  int wait() {
    int code = 0;
    for (bool told = false; !running_.empty();) {
      if (interrupted() && !std::exchange(told, true))
        for (const pid_t child : running_) ::kill(child, SIGTERM);
      int status = 0;
      const pid_t child = ::waitpid(-1, &status, WNOHANG);
      if (child <= 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      std::erase(running_, child);
      if (WIFSIGNALED(status)) log(LogLevel::warning, "a worker was killed by signal {}", WTERMSIG(status));
      code = std::max(code, WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    return code;
  }

 private:
  std::vector<pid_t> running_;
};

/// One process makes the folder, so that what is wrong is said once; then come the workers; then this one prints what
/// they have done.
int run_in_processes(SweepRequest request, int count) {
  const auto part = [&](Part part) {
    request.part = part;
    return run_in_library(request);
  };
  Workers first, workers;
  if (first.start() == 0) return part(Part::prepare);
  if (const int code = first.wait(); code != 0) return code;
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (request.training.threads == 0) request.training.threads = std::max(1, cores / count);
  for (int i = 1; i <= count; ++i) {
    request.options.label = fmt::format("worker {}: ", i);
    if (workers.start() == 0) return part(Part::work);
  }
  const int code = workers.wait();
  throw_if_interrupted();
  const int printed = part(Part::print);
  // A worker may have been killed; what counts is whether the others have done its share.
  return printed == 0 ? 0 : std::max(code, printed);
}

SweepRequest checked(SweepRequest request) {
  if (!std::filesystem::is_regular_file(request.file))
    fail(ErrorKind::usage, "{}: no such file; give the sweep's .toml file", request.file);
  std::string out = request.options.out.string();
  if (out.empty()) fail(ErrorKind::usage, "-o: an empty name; give the sweep's folder");
  if (const auto mark = out.find("{sweep}"); mark != std::string::npos)
    out.replace(mark, 7, std::filesystem::path(request.file).stem().string());
  request.options.out = out;
  if (const auto launch = read_launch(process_environment()); launch && launch->size > 1)
    fail(ErrorKind::usage,
         "{} started {} processes as one run; workers of a sweep only share its folder: give --workers, or start each "
         "by "
         "itself",
         launch->by, launch->size);
  return request;
}

}  // namespace

void add_sweep(CLI::App& app, Action& action) {
  auto request = std::make_shared<SweepRequest>();
  auto workers = std::make_shared<int>(1);
  SweepOptions& options = request->options;
  CLI::App* command = app.add_subcommand("sweep", "Search for a recipe's best hyper-parameters");
  command->add_option("sweep", request->file, "TOML file of ranges")->required();
  add_training_options(*command, request->training);
  command->add_option("-o,--out", options.out, "Folder of the sweep; the same command in other processes joins in")
      ->capture_default_str();
  command->add_option("--workers", *workers, "Start so many processes, with an equal share of the cores each")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--stale", options.stale,
                   "Seconds without a sign of life after which others may take over what this one works on")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 86400.0));
  command->add_flag("!--no-wait", options.wait, "End when others hold all that is left");
  command->add_flag("--dry-run", request->dry_run, "Print the trials with their values and what they cost");
  command->add_flag("--json", request->json, "One JSON line a trial, and a last one with the whole");
  command->callback([request, workers, &action] {
    action = [request, workers] {
      const SweepRequest whole = checked(*request);
      return *workers > 1 && !whole.dry_run ? run_in_processes(whole, *workers) : run_in_library(whole);
    };
  });
}

}  // namespace ganvas::cli
