#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace ganvas::test {

/// What this process writes to stderr while it lives; the libraries below like to talk.
class StderrCapture {
 public:
  StderrCapture() : file_(std::tmpfile()), saved_(::dup(STDERR_FILENO)) { ::dup2(::fileno(file_), STDERR_FILENO); }
  ~StderrCapture() { std::fclose(file_); }
  /// Ends the capture and returns what was written.
  std::string finish() {
    std::fflush(stderr);
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    std::string text(static_cast<std::size_t>(::lseek(::fileno(file_), 0, SEEK_END)), ' ');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::pread(::fileno(file_), text.data(), text.size(), 0))));
    return text;
  }

 private:
  std::FILE* file_;
  int saved_;
};

}  // namespace ganvas::test
