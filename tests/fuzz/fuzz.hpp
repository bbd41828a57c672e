#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include "ganvas/core/error.hpp"

/// What targets share. Each is one file in targets/ with libFuzzer's function: bytes of a stranger go in, and anything
/// but success or a refusal by one line is a finding, which ends the process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ganvas::fuzz {

/// Ends the process with the finding's name.
[[noreturn]] inline void finding(std::string_view what, std::string_view detail = {}) {
  std::fprintf(stderr, "FINDING: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

/// A refusal is one line that a person can read, and blames no defect of ours.
inline void check(const Error& error) {
  constexpr std::size_t longest = 2000;
  const std::string_view text = error.what();
  if (text.empty()) finding("a refusal without a word");
  if (text.size() > longest) finding("a message without end", text.substr(0, longest));
  if (text.find('\n') != text.npos) finding("a message of several lines", text);  // the log makes others blanks
  if (error.kind() == ErrorKind::internal) finding("internal error", text);
}

/// Runs `read`; a refusal is as good as success.
template <typename Read>
void try_reading(Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    check(error);
  }
}

}  // namespace ganvas::fuzz
