#include "ganvas/core/progress.hpp"

#include <fcntl.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "ganvas/core/files.hpp"
#include "ganvas/core/log.hpp"
#include "support/support.hpp"

using namespace ganvas;

namespace {

/// What `work` writes to stderr.
template <typename Work>
std::string stderr_of(Work work) {
  const test::TemporaryFolder folder;
  const int saved = ::dup(2), file = ::open((folder / "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  std::fflush(stderr);
  ::dup2(file, 2);
  work();
  std::fflush(stderr);
  ::dup2(saved, 2);
  ::close(saved);
  ::close(file);
  const Bytes bytes = read_file(folder / "err");
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("durations") {
  CHECK(format_duration(0) == "0 s");
  CHECK(format_duration(-5) == "0 s");
  CHECK(format_duration(59.4) == "59 s");
  CHECK(format_duration(59.6) == "1:00");
  CHECK(format_duration(123) == "2:03");
  CHECK(format_duration(3723) == "1:02:03");
  CHECK(format_duration(360000) == "100:00:00");
}

TEST_CASE("log: one message, one line, from any thread, levels") {
  CHECK(stderr_of([] { log(LogLevel::info, "a\nb\r\x1b[31mc\x7f{}", 5); }) == "a b  [31mc 5\n");
  CHECK(stderr_of([] { log(LogLevel::error, "写真.png: {}", "broken"); }) == "error: 写真.png: broken\n");
  CHECK(stderr_of([] { log(LogLevel::debug, "unseen"); }).empty());
  const std::string lines = stderr_of([] {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (int i = 0; i < 200; ++i) log(LogLevel::warning, "{}", std::string(60, 'x'));
      });
  });
  std::string expected;
  for (int i = 0; i < 800; ++i) expected += "warning: " + std::string(60, 'x') + "\n";
  CHECK(lines == expected);
  CHECK(stderr_of([] {
          set_log_level(LogLevel::warning);
          log(LogLevel::info, "unseen");
          log(LogLevel::warning, "seen");
          set_log_level(LogLevel::info);
        }) == "warning: seen\n");
}

TEST_CASE("progress in a pipe: the end as a plain line, no control characters, nothing when quiet") {
  const auto run = [](double total) {
    return stderr_of([total] {
      Progress progress("upscale", total);
      for (int i = 1; i <= 10; ++i) progress.update(i, "写真.png");
      progress.finish();
      progress.update(10);
    });
  };
  const std::string text = run(10);
  CHECK(text.starts_with("upscale 10/10"));
  CHECK(text.find("写真.png") != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.find_first_of("\r\x1b") == std::string::npos);
  CHECK(run(0).empty());  // unknown total: no end to report
  set_log_level(LogLevel::warning);
  CHECK(run(10).empty());
  set_log_level(LogLevel::info);
}
