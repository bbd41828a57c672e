#include "ganvas/core/files.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/setting_error.hpp"
#include "support/support.hpp"

using namespace ganvas;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

/// All names of a folder, hidden ones too.
std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

std::string failure(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::file);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("read_file: empty, large, pipes, folders, limits") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "empty", std::string_view());
  CHECK(read_file(folder / "empty").empty());
  Bytes large(3'000'001);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i * i >> 3);
  write_file_atomically(folder / "large", large);
  CHECK(read_file(folder / "large") == large);
  CHECK(read_file(folder / "large", large.size()) == large);
  CHECK(failure([&] { read_file(folder / "large", large.size() - 1); }).find("limit") != std::string::npos);
  CHECK(failure([&] { read_file(folder.path()); }).find("folder") != std::string::npos);
  CHECK(failure([&] { read_file(folder / "absent"); }).find("absent") != std::string::npos);
  // A file that doesn't tell its size.
  CHECK(text_of("/proc/self/status").find("VmSize") != std::string::npos);
  CHECK(failure([&] { read_file("/dev/zero", 100000); }).find("limit") != std::string::npos);
}

TEST_CASE("AtomicFile: whole or not at all, no leftovers") {
  const test::TemporaryFolder folder;
  const fs::path target = folder / "out.bin";
  {
    AtomicFile file(target);
    file.write("half");
    CHECK_FALSE(fs::exists(target));
  }
  CHECK(entries(folder.path()) == 0);
  write_file_atomically(target, std::string_view("old"));
  {
    AtomicFile file(target);
    file.write("ne");
    CHECK(text_of(target) == "old");
    file.write(std::string_view("w\0!", 3));
    file.commit();
  }
  CHECK(text_of(target) == std::string("new\0!", 5));
  CHECK(entries(folder.path()) == 1);
  // While it grows, the file is hidden from listings.
  AtomicFile growing(target);
  CHECK(list_files(folder.path(), true) == std::vector{target});
  // Two writers of one target don't meet in one temporary file.
  AtomicFile other(target);
  growing.write("a");
  other.write("bb");
  growing.commit();
  other.commit();
  CHECK(text_of(target) == "bb");
  // The longest name that the file system takes, and one that isn't ASCII.
  const fs::path longest = folder / std::string(255, 'n'), unicode = folder / "Ünïcode 写真.png";
  for (const auto& path : {longest, unicode}) {
    write_file_atomically(path, std::string_view("x"));
    CHECK(text_of(path) == "x");
  }
}

TEST_CASE("AtomicFile: what has come meanwhile is kept where that is asked for") {
  const test::TemporaryFolder folder;
  const fs::path target = folder / "a.bin";
  const Bytes ours{1, 2}, theirs{3};
  write_file_atomically(target, ours, Existing::kept);
  CHECK(read_file(target) == ours);
  {
    AtomicFile file(folder / "b.bin");
    file.write(ours);
    write_file_atomically(folder / "b.bin", theirs);
    try {
      file.commit(Existing::kept);
      FAIL("replaced");
    } catch (const SettingError& error) {
      CHECK(error.setting() == "force");
      CHECK(std::string(error.what()).ends_with("b.bin exists already"));
    }
  }
  CHECK(read_file(folder / "b.bin") == theirs);
  CHECK(entries(folder.path()) == 2);  // nothing of the temporary one
}

TEST_CASE("AtomicFile: failures name the target and leave what was there") {
  const test::TemporaryFolder folder;
  CHECK(failure([&] {
          write_file_atomically(folder / "no/such/folder", std::string_view("x"));
        }).find("no/such/folder") != std::string::npos);
  fs::create_directory(folder / "sub");
  CHECK(failure([&] { write_file_atomically(folder / "sub", std::string_view("x")); }).find("sub") !=
        std::string::npos);
  CHECK(entries(folder.path()) == 1);
  // A full disk, in the shape of a limit on file sizes.
  write_file_atomically(folder / "full", std::string_view("old"));
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{}, tight{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  tight = before;
  tight.rlim_cur = 1000;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::string message = failure([&] { write_file_atomically(folder / "full", std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, previous);
  CHECK(message.find("full") != std::string::npos);
  CHECK(text_of(folder / "full") == "old");
  CHECK(entries(folder.path()) == 2);
}

TEST_CASE("AtomicFile: what dead processes left goes, what living ones write stays") {
  const test::TemporaryFolder folder;
  const fs::path dead = folder / ".ganvas-0123456789abcdef.part", own = folder / ".ganvas-notes.part",
                 foreign = folder / "0123456789abcdef.part";
  for (const auto& path : {dead, own, foreign}) std::ofstream(path) << "half";
  AtomicFile living(folder / "a.bin");  // sweeps
  CHECK_FALSE(fs::exists(dead));
  CHECK(fs::exists(own));
  CHECK(fs::exists(foreign));
  CHECK(entries(folder.path()) == 3);
  std::ofstream(dead) << "half";
  living.write("x");
  sweep_temporary_files(folder.path());
  CHECK(entries(folder.path()) == 3);
  living.commit();
  CHECK(text_of(folder / "a.bin") == "x");
  CHECK_NOTHROW(sweep_temporary_files(folder / "absent"));
  // Another process writes while we sweep.
  int ready[2], done[2];
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe(done) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  char byte = 0;
  if (child == 0) {
    AtomicFile file(folder / "b.bin");
    file.write("from the child");
    if (::write(ready[1], "x", 1) != 1 || ::read(done[0], &byte, 1) != 1) ::_exit(1);
    file.commit();
    ::_exit(0);
  }
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  sweep_temporary_files(folder.path());
  REQUIRE(::write(done[1], "x", 1) == 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(text_of(folder / "b.bin") == "from the child");
  for (const int descriptor : {ready[0], ready[1], done[0], done[1]}) ::close(descriptor);
}

TEST_CASE("AtomicFile: modes and links stay, pipes and devices are written to") {
  const test::TemporaryFolder folder;
  const auto mode = [](const fs::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  write_file_atomically(folder / "private", std::string_view("old"));
  for (const int wanted : {0600, 0444, 0751}) {
    REQUIRE(::chmod((folder / "private").c_str(), static_cast<mode_t>(wanted)) == 0);
    write_file_atomically(folder / "private", std::string_view("new"));
    CHECK(mode(folder / "private") == static_cast<mode_t>(wanted));
  }
  fs::create_directory(folder / "there");
  write_file_atomically(folder / "there/file", std::string_view("old"));
  fs::create_symlink("there/file", folder / "link");
  fs::create_symlink("link", folder / "second");
  fs::create_symlink("there/new", folder / "dangling");
  for (const char* name : {"link", "second", "dangling"}) {
    CAPTURE(name);
    write_file_atomically(folder / name, std::string_view(name));
    CHECK(fs::is_symlink(folder / name));
    CHECK(text_of(folder / name) == name);
  }
  CHECK(text_of(folder / "there/file") == "second");
  CHECK(text_of(folder / "there/new") == "dangling");
  CHECK(entries(folder / "there") == 2);

  write_file_atomically("/dev/null", std::string_view("x"));
  CHECK(fs::is_character_file("/dev/null"));
  CHECK(failure([] { write_file_atomically("/dev/full", std::string_view("x")); }).find("/dev/full") !=
        std::string::npos);
  const fs::path pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string got;
  std::thread reader([&] { got = text_of(pipe); });
  write_file_atomically(pipe, std::string_view("through the pipe"));
  reader.join();
  CHECK(got == "through the pipe");
  CHECK(fs::is_fifo(pipe));
  CHECK(is_stream("/dev/stdout"));
  CHECK(is_stream(pipe));
  CHECK_FALSE(is_stream(folder / "private"));
  CHECK_FALSE(is_stream(folder.path()));
  CHECK_FALSE(is_stream(folder / "absent"));
}

namespace {

/// Runs `work` in a child, which gets the signal while it is in the midst of it.
pid_t child_with_signal(const std::function<void()>& before, const std::function<void()>& work, int signal) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    before();
    try {
      work();
    } catch (const Error& error) {
      ::_exit(exit_code(error.kind()));
    }
    ::_exit(0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ::kill(child, signal);
  return child;
}

/// TSan keeps a signal from its handler until the system call ends in which it came: a wait without an end.
bool signals_come_late() {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GANVAS_LATE_SIGNALS
#endif
#elif defined(__SANITIZE_THREAD__)
#define GANVAS_LATE_SIGNALS
#endif
#ifdef GANVAS_LATE_SIGNALS
  std::printf("[skipped] TSan delivers signals late\n");
  return true;
#else
  return false;
#endif
}

/// The exit code, or minus the signal.
int end_of(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int killed_while(const std::function<void()>& before, const std::function<void()>& work, int signal) {
  return end_of(child_with_signal(before, work, signal));
}

}  // namespace

TEST_CASE("one signal ends the wait for a pipe, in any thread, and ignored signals stay ignored") {
  if (signals_come_late()) return;
  const test::TemporaryFolder folder;
  const fs::path pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto wait_for_pipe = [&] { read_file(pipe); };
  const auto wait_in_thread = [&] {
    std::exception_ptr thrown;
    std::thread([&] {
      try {
        read_file(pipe);
      } catch (...) {
        thrown = std::current_exception();
      }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
  };
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    // Whoever runs the tests may have them ignored (nohup, the background of a script).
    const auto heeding = [signal] {
      std::signal(signal, SIG_DFL);
      install_interrupt_handler();
    };
    CHECK(killed_while(heeding, wait_for_pipe, signal) == 130);
    CHECK(killed_while(heeding, wait_in_thread, signal) == 130);
  }
  const auto sleep = [] { std::this_thread::sleep_for(std::chrono::milliseconds(200)); };
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    const auto ignoring = [signal] {
      std::signal(signal, SIG_IGN);
      install_interrupt_handler();
    };
    const auto not_interrupted = [&] {
      sleep();
      throw_if_interrupted();
    };
    CHECK(killed_while(ignoring, not_interrupted, signal) == 0);
  }
}

TEST_CASE("handlers of signals run on a stack of their own, in the thread that asks for them and where one waits") {
  /// Of a new thread, which has none by itself.
  const auto aside_after = [](const std::function<void()>& begin) {
    bool enabled = false;
    std::thread([&] {
      begin();
      stack_t stack{};
      enabled = ::sigaltstack(nullptr, &stack) == 0 && !(stack.ss_flags & SS_DISABLE);
    }).join();
    return enabled;
  };
  const auto check = [&] {
    if (!aside_after(install_interrupt_handler)) ::_exit(4);
    std::optional<InterruptibleCall> call;
    if (!aside_after([&] { call.emplace(); })) ::_exit(5);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGURG}) {
      struct sigaction action {};
      if (::sigaction(signal, nullptr, &action) != 0) ::_exit(2);
      if (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_ONSTACK)) ::_exit(3);
    }
  };
  const pid_t child = child_with_signal([] {}, check, 0);
  CHECK(end_of(child) == 0);
}

TEST_CASE("a signal that nobody looks at ends the process all the same") {
  const auto hang = [] {
    for (;;) ::pause();
  };
  // Work that noticed it may take its time.
  const auto slow_end = [] {
    while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1000 * interrupt_patience + 500);
    while (std::chrono::steady_clock::now() < end) std::this_thread::sleep_until(end);
    ::_exit(7);
  };
  const pid_t hanging = child_with_signal(install_interrupt_handler, hang, SIGTERM);
  const pid_t slow = child_with_signal(install_interrupt_handler, slow_end, SIGTERM);
  CHECK(end_of(hanging) == 130);
  CHECK(end_of(slow) == 7);
}

TEST_CASE("a limit on the size of files is an error") {
  const test::TemporaryFolder folder;
  const auto limited = [] {
    install_interrupt_handler();
    const rlimit tight{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &tight);
  };
  CHECK(killed_while(
            limited, [&] { write_file_atomically(folder / "a", std::string(5000, 'x')); }, 0) == 1);
  CHECK(entries(folder.path()) == 0);
}

TEST_CASE("glob_match") {
  const auto matches = [](std::string_view pattern, std::initializer_list<const char*> texts, bool expected) {
    for (const char* text : texts) {
      INFO(pattern << " against " << text);
      CHECK(glob_match(pattern, text) == expected);
    }
  };
  matches("*.png", {"a.png", ".png", "a.b.png"}, true);
  matches("*.png", {"a.PNG", "a.png.txt", "sub/a.png", "png", ""}, false);
  matches("**.png", {"a.png", "sub/a.png", "x/y/z.png"}, true);
  matches("**/a.png", {"a.png", "x/a.png", "x/y/a.png"}, true);
  matches("**/a.png", {"ba.png", "x/ba.png"}, false);
  matches("trip/**", {"trip/a.png", "trip/x/y.png"}, true);
  matches("trip/**", {"trips/a.png", "a/trip/b"}, false);
  matches("a?c", {"abc", "a.c"}, true);
  matches("a?c", {"ac", "a/c", "abbc"}, false);
  matches("[a-c]x[!0-9]", {"axy", "cx-"}, true);
  matches("[a-c]x[!0-9]", {"dxy", "ax5", "ax"}, false);
  matches("[]a]", {"]", "a"}, true);
  matches("[a-]", {"-", "a"}, true);
  matches("[ab", {"[ab"}, true);  // an unclosed class is itself
  matches("[ab", {"a"}, false);
  matches("", {""}, true);
  matches("*", {"", "a"}, true);
  matches("", {"a"}, false);
  matches("写*.jpg", {"写真.jpg"}, true);
  CHECK(has_glob_characters("a*"));
  CHECK(has_glob_characters("a[b]"));
  CHECK_FALSE(has_glob_characters("plain/path.png"));
}

TEST_CASE("list_files and expand_glob: sorted, hidden passed over, links to folders not followed") {
  const test::TemporaryFolder folder;
  for (const char* name : {"b.png", "a.png", ".hidden.png", "sub/c.png", "sub/.d.png", ".secret/e.png"}) {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << name;
  }
  fs::create_directory_symlink(folder.path(), folder / "sub/loop");
  fs::create_symlink(folder / "a.png", folder / "link.png");
  using Paths = std::vector<fs::path>;
  CHECK(list_files(folder.path(), false) == Paths{folder / "a.png", folder / "b.png", folder / "link.png"});
  CHECK(list_files(folder.path(), true) ==
        Paths{folder / "a.png", folder / "b.png", folder / "link.png", folder / "sub/c.png"});
  CHECK(expand_glob(folder / "[ab].png") == Paths{folder / "a.png", folder / "b.png"});
  CHECK(expand_glob(folder / "*.jpg").empty());
  CHECK_THROWS_AS(list_files(folder / "absent", false), Error);
  fs::create_symlink("nowhere", folder / "sub/lost.png");
  Paths unlisted;
  CHECK(list_files(folder.path(), true, &unlisted).size() == 4);
  CHECK(unlisted == Paths{folder / "sub/lost.png"});
  CHECK(why_unlisted(unlisted[0]).find("link") != std::string::npos);
}

TEST_CASE("the cache folder follows XDG, errors have exit codes, the flag of Ctrl-C") {
  setenv("XDG_CACHE_HOME", "/x/cache", 1);
  CHECK(cache_folder() == "/x/cache/ganvas");
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", "/home/u", 1);
  CHECK(cache_folder() == "/home/u/.cache/ganvas");

  CHECK(exit_code(ErrorKind::usage) == 2);
  CHECK(exit_code(ErrorKind::recipe) == 2);
  CHECK(exit_code(ErrorKind::interrupted) == 130);
  for (const auto kind : {ErrorKind::file, ErrorKind::model, ErrorKind::data, ErrorKind::memory, ErrorKind::internal})
    CHECK(exit_code(kind) == 1);

  CHECK_FALSE(interrupted());
  CHECK_NOTHROW(throw_if_interrupted());
  std::signal(SIGINT, SIG_DFL);  // it may have been ignored
  install_interrupt_handler();
  std::raise(SIGINT);
  CHECK(interrupted());
  CHECK_THROWS_AS(throw_if_interrupted(), Error);
  set_interrupted(false);
  CHECK_FALSE(interrupted());
  std::raise(SIGTERM);
  CHECK(interrupted());
  set_interrupted(false);
}
