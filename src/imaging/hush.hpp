#pragma once

#include <cstdio>
#include <mutex>

namespace ganvas::codecs {

/// Some decoders write to stderr why they refuse a file, in their own terms, and can't be asked not to. While this
/// lives, what is written to glibc's stderr goes nowhere; our own messages have a stream of their own (log.cpp). One at
/// a time.
class Hush {
 public:
  Hush();
  ~Hush();
  Hush(const Hush&) = delete;
  Hush& operator=(const Hush&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
  std::FILE* before_;
};

}  // namespace ganvas::codecs
