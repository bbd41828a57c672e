#pragma once

#include <mutex>
#include <string>

/// The one place that writes to stderr, so that log lines and the progress bar don't overwrite each other.
namespace ganvas::terminal {

void print_line(const std::string& line);
/// Draws or redraws the bar; an empty one removes it.
void show_bar(const std::string& bar);

}  // namespace ganvas::terminal
