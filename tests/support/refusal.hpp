#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

#include "ganvas/core/error.hpp"

namespace ganvas::test {

/// The message of the Error of this kind that `work` throws; every message is one line.
template <typename Work>
std::string refusal(ErrorKind kind, Work work) {
  try {
    work();
  } catch (const Error& error) {
    const std::string message = error.what();
    CAPTURE(message);
    CHECK(error.kind() == kind);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "was accepted";
}

/// Checks that a message holds all the parts; always true, so that it can stand in a CHECK of its own.
inline bool says(const std::string& message, std::initializer_list<const char*> parts) {
  CAPTURE(message);
  for (const char* part : parts) {
    CAPTURE(part);
    CHECK(message.find(part) != std::string::npos);
  }
  return true;
}

}  // namespace ganvas::test
