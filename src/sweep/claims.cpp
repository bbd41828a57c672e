#include "ganvas/sweep/claims.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

std::string text_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

double seconds_of(const timespec& time) {
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The state and the start of a process, in ticks since the machine started (numbers of processes are used again).
/// Empty where that can't be seen.
std::pair<char, std::string> process_of(long pid) {
  const std::string text = text_of(fmt::format("/proc/{}/stat", pid));
  auto at = text.rfind(')');  // behind its name, which may hold anything
  if (at == std::string::npos || at + 2 >= text.size()) return {};
  const char state = text[at + 2];
  for (int field = 2; field < 22; ++field) {
    at = text.find(' ', at + 1);
    if (at == std::string::npos) return {};
  }
  return {state, text.substr(at + 1, text.find(' ', at + 1) - at - 1)};
}

/// Whether a process of this machine is known to have ended.
bool is_gone(long pid, const std::string& start) {
  if (::kill(static_cast<pid_t>(pid), 0) != 0) return errno == ESRCH;
  const auto [state, began] = process_of(pid);
  return state == 'Z' || state == 'X' || (!began.empty() && began != start);
}

/// A machine since it started, and the table in which its processes have their numbers (containers have their own).
std::string read_machine() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string boot = text_of("/proc/sys/kernel/random/boot_id");
  if (!boot.empty() && boot.back() == '\n') boot.pop_back();
  std::error_code error;
  return fmt::format("{} {} {}", host.data(), boot, fs::read_symlink("/proc/self/ns/pid", error).string());
}

const std::string& machine() {
  static const std::string name = read_machine();
  return name;
}

}  // namespace

Claim::Claim(fs::path file, fs::path successor, double stale, int deaths)
    : file_(std::move(file)), successor_(std::move(successor)), deaths_(deaths) {
  const auto pause = std::chrono::duration<double>(std::clamp(stale / 12, 0.02, 10.0));
  heart_ = std::thread([this, pause] {
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, pause, [this] { return end_; })) beat();
  });
}

Claim::~Claim() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  heart_.join();
  const std::array<timespec, 2> long_ago{};
  ::utimensat(AT_FDCWD, file_.c_str(), long_ago.data(), 0);
}

bool Claim::superseded() const {
  struct stat status {};
  return ::stat(successor_.c_str(), &status) == 0;
}

void Claim::beat() {
  if (superseded()) lost_ = true;
  // A file system that is away for a while is no reason to give up.
  else ::utimensat(AT_FDCWD, file_.c_str(), nullptr, 0);
}

void Claim::check_now() {
  if (superseded()) lost_ = true;
  check();
}

ClaimBoard::ClaimBoard(fs::path folder, double stale) : folder_(std::move(folder)), stale_(stale) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) fail(ErrorKind::file, "{}: can't create: {}", folder_.string(), error.message());
}

fs::path ClaimBoard::file(const std::string& name, int generation) const {
  return folder_ / fmt::format("{}.{}", name, generation);
}

/// The highest generation of each name.
std::map<std::string, int> ClaimBoard::generations() const {
  std::map<std::string, int> highest;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    const auto dot = name.rfind('.');
    int generation = 0;
    const char* end = name.data() + name.size();
    if (dot == std::string::npos || std::from_chars(name.data() + dot + 1, end, generation).ptr != end) continue;
    auto& known = highest.try_emplace(name.substr(0, dot), generation).first->second;
    known = std::max(known, generation);
  }
  if (error) fail(ErrorKind::file, "{}: can't be read: {}", folder_.string(), error.message());
  return highest;
}

ClaimBoard::Note ClaimBoard::self() {
  return {.host = machine(), .process = process_of(::getpid()).second, .stamp = {}, .pid = ::getpid()};
}

ClaimBoard::Note ClaimBoard::note(const fs::path& file) {
  const std::string key = file.filename().string();
  if (const auto known = notes_.find(key); known != notes_.end()) return known->second;
  const auto json = nlohmann::json::parse(text_of(file), nullptr, false);
  Note note;
  if (!json.is_object()) return note;  // its owner is just writing it, or died over that
  try {
    note = {.host = json.at("host"),
            .process = json.at("process"),
            .stamp = json.at("stamp"),
            .pid = json.at("pid"),
            .stale = json.at("stale"),
            .rung = json.at("rung"),
            .readable = true};
  } catch (const nlohmann::json::exception&) {
    return {};
  }
  notes_[key] = note;
  return note;
}

/// The file system's clock, by a file that all touch.
double ClaimBoard::now() const {
  const fs::path clock = folder_ / "clock";
  const int file = ::open(clock.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  struct stat status {};
  const bool read = file >= 0 && ::futimens(file, nullptr) == 0 && ::fstat(file, &status) == 0;
  const int reason = errno;
  if (file >= 0) ::close(file);
  if (!read) fail(ErrorKind::file, "{}: can't write: {}", clock.string(), std::strerror(reason));
  return seconds_of(status.st_mtim);
}

ClaimBoard::State ClaimBoard::state(const fs::path& file, double now) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return State::held;  // can't be judged now
  if (status.st_mtim.tv_sec == 0) return State::free;
  const Note owner = note(file);
  if (owner.readable && owner.host == machine() && is_gone(owner.pid, owner.process)) return State::dead;
  const double patience = owner.readable ? owner.stale : stale_;
  return now - seconds_of(status.st_mtim) > patience ? State::dead : State::held;
}

std::unique_ptr<Claim> ClaimBoard::take(const std::string& name, int rung, const std::string& stamp) {
  const auto known = generations();
  const auto found = known.find(name);
  const int last = found == known.end() ? -1 : found->second;
  const double time = now();
  if (last >= 0 && state(file(name, last), time) == State::held) return nullptr;
  int deaths = 0;
  for (int generation = last; generation >= 0; --generation, ++deaths) {
    const Note before = note(file(name, generation));
    if (state(file(name, generation), time) != State::dead || before.rung != rung || before.stamp != stamp) break;
  }
  const fs::path mine = file(name, last + 1);
  const int descriptor = ::open(mine.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0 && errno == EEXIST) return nullptr;  // another one was quicker
  if (descriptor < 0) fail(ErrorKind::file, "{}: can't create: {}", mine.string(), std::strerror(errno));
  const Note me = self();
  const std::string text = nlohmann::ordered_json{{"host", me.host}, {"pid", me.pid}, {"process", me.process},
                                                  {"stale", stale_}, {"rung", rung},  {"stamp", stamp}}
                               .dump();
  const bool written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int reason = errno;
  ::close(descriptor);
  if (!written) fail(ErrorKind::file, "{}: can't write: {}", mine.string(), std::strerror(reason));
  return std::unique_ptr<Claim>(new Claim(mine, file(name, last + 2), stale_, deaths));
}

std::map<std::string, int> ClaimBoard::rungs() {
  std::map<std::string, int> rungs;
  for (const auto& [name, generation] : generations())
    for (int i = generation; i >= 0; --i)
      if (const Note owner = note(file(name, i)); owner.readable) {
        rungs[name] = owner.rung;
        break;
      }
  return rungs;
}

}  // namespace ganvas
