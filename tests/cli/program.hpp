#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ganvas/core/files.hpp"
#include "imaging/pictures.hpp"

namespace ganvas::test {

struct Finished {
  int code = -1;  ///< exit status, or -signal
  std::string out, err;
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> parsed;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);) parsed.push_back(nlohmann::json::parse(line));
    return parsed;
  }
};

/// Another place of the program than the build's, and variables of its environment.
struct Setting {
  std::string binary = GANVAS_BINARY;
  std::vector<std::pair<std::string, std::string>> environment;
};

/// The program in a process of its own, with its streams in files (pipes could fill up).
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, const std::string& input = {},
                   const Setting& setting = {}) {
    write_file_atomically(folder_ / "in", input);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    ::dup2(::open((folder_ / "in").c_str(), O_RDONLY), 0);
    ::dup2(::open((folder_ / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::dup2(::open((folder_ / "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    // Whoever runs the tests may have them ignored (nohup, the background of a script), and that would be inherited.
    for (const int signal : {SIGINT, SIGHUP, SIGTERM}) ::signal(signal, SIG_DFL);
    for (const auto& [name, value] : setting.environment) ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> argv{const_cast<char*>(setting.binary.c_str())};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(setting.binary.c_str(), argv.data());
    ::_exit(127);
  }
  ~Program() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Waits until `reached` or the end of the process, then sends the signal.
  void signal_when(const std::function<bool()>& reached, int signal) {
    siginfo_t ended{};
    while (!reached()) {
      if (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0)
        return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(pid_, signal);
  }

  /// Whether a library of that name is being loaded or has been.
  bool has_mapped(const std::string& library) const {
    const Bytes maps = read_file("/proc/" + std::to_string(pid_) + "/maps");
    return std::string_view(reinterpret_cast<const char*>(maps.data()), maps.size()).find(library) != std::string::npos;
  }

  Finished finish() {
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    const auto text = [&](const char* name) {
      const Bytes bytes = read_file(folder_ / name);
      return std::string(bytes.begin(), bytes.end());
    };
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), text("out"), text("err")};
  }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

inline Finished run_ganvas(const std::vector<std::string>& arguments, const std::string& input = {},
                           const Setting& setting = {}) {
  return Program(arguments, input, setting).finish();
}

inline std::ptrdiff_t line_count(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Errors are one line each, on stderr alone.
inline void check_error(const Finished& result, int code, const std::vector<const char*>& parts) {
  CAPTURE(result.err);
  CHECK(result.code == code);
  CHECK(result.out.empty());
  CHECK(contains(result.err, "error: "));
  CHECK(line_count(result.err) == 1);
  for (const char* part : parts) {
    CAPTURE(part);
    CHECK(contains(result.err, part));
  }
}

}  // namespace ganvas::test
