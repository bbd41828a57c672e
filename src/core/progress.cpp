#include "ganvas/core/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "core/terminal.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto terminal_interval = std::chrono::milliseconds(100);
constexpr auto plain_interval = std::chrono::seconds(10);

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Cuts at a character boundary: a torn UTF-8 sequence shows as rubbish.
std::string shorten(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  while (width > 0 && (static_cast<unsigned char>(text[width]) & 0xc0) == 0x80) --width;
  text.resize(width);
  return text;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto total = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (total >= 3600) return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  if (total >= 60) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{} s", total);
}

Progress::Progress(std::string label, double total, double start)
    : label_(std::move(label)),
      total_(total),
      start_(start),
      began_(Clock::now()),
      printed_(began_),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { finish(); }

void Progress::update(double done, const std::string& note) {
  if (!active_ || log_level() > LogLevel::info) return;
  const bool last = total_ > 0 && done >= total_;
  const auto now = Clock::now();
  if (!last && now - printed_ < (terminal_ ? Clock::duration(terminal_interval) : Clock::duration(plain_interval)))
    return;
  printed_ = now;

  const double elapsed = seconds_since(began_);
  std::string eta = "?";
  if (total_ > 0 && done > start_) eta = format_duration(elapsed / (done - start_) * std::max(0.0, total_ - done));
  const std::string counts =
      total_ > 0 ? fmt::format("{:.0f}/{:.0f}", std::floor(done), total_) : fmt::format("{:.0f}", std::floor(done));
  if (!terminal_) {
    terminal::print_line(fmt::format("{} {} ETA {} {}", label_, counts, eta, note));
    return;
  }
  constexpr int cells = 24;
  const int filled = total_ > 0 ? static_cast<int>(cells * std::clamp(done / total_, 0.0, 1.0)) : 0;
  const std::string bar = std::string(filled, '#') + std::string(cells - filled, '.');
  terminal::show_bar(
      shorten(fmt::format("{} [{}] {} ETA {}  {}", label_, bar, counts, eta, note), terminal_width() - 1));
}

void Progress::clear() {
  if (active_ && terminal_) terminal::show_bar({});
}

void Progress::finish() {
  if (active_ && terminal_) terminal::show_bar({});
  active_ = false;
}

}  // namespace ganvas
