#include "ganvas/core/log.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "core/terminal.hpp"

namespace ganvas {

namespace {

std::atomic<LogLevel> threshold{LogLevel::info};

const char* prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug: ";
    case LogLevel::warning:
      return "warning: ";
    case LogLevel::error:
      return "error: ";
    default:
      return "";
  }
}

}  // namespace

void set_log_level(LogLevel level) { threshold = level; }

LogLevel log_level() { return threshold; }

void log_line(LogLevel level, std::string_view message) {
  if (level < log_level()) return;
  std::string line = prefix(level);
  line += message;
  terminal::print_line(line);
}

namespace terminal {

namespace {

std::mutex& output_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::string& current_bar() {
  static std::string bar;
  return bar;
}

/// As it was when the program started: what libraries write to stderr is sent elsewhere now and then
/// (imaging/hush.hpp).
std::FILE* const message_stream = stderr;

void write_all(const std::string& text) { std::fwrite(text.data(), 1, text.size(), message_stream); }

/// Names of files may hold what commands a terminal.
std::string without_controls(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

}  // namespace

void print_line(const std::string& text) {
  const std::string line = without_controls(text);
  const std::lock_guard lock(output_mutex());
  const std::string& bar = current_bar();
  // One write for the whole change, so that nothing flickers or interleaves.
  write_all(bar.empty() ? line + "\n" : "\r\033[K" + line + "\n" + bar);
  std::fflush(message_stream);
}

void show_bar(const std::string& text) {
  const std::string bar = without_controls(text);
  const std::lock_guard lock(output_mutex());
  if (bar.empty() && current_bar().empty()) return;
  current_bar() = bar;
  write_all("\r\033[K" + bar);
  std::fflush(message_stream);
}

}  // namespace terminal

}  // namespace ganvas
