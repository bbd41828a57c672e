#pragma once

#include <exception>
#include <string>

namespace ganvas {

/// Whether an exception means that memory ran out: std::bad_alloc, Error(memory), OpenCV's and LibTorch's own.
bool is_out_of_memory(const std::exception& error);

/// What to say of an exception that isn't an Error, in one line: "out of memory", with what was asked for where that is
/// known, LibTorch's words without their backtrace, or failure_words().
std::string failure_line(const std::exception& error);

}  // namespace ganvas
