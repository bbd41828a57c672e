#include "ganvas/nn/failure.hpp"

#include <c10/util/Exception.h>

#include <new>
#include <string_view>

#include "ganvas/core/error.hpp"
#include "ganvas/core/failure_words.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/core/parse_number.hpp"

namespace ganvas {

namespace {

/// "... you tried to allocate 154618822656 bytes. ...", as LibTorch's CPU allocator says it.
std::string wanted_bytes(std::string_view text) {
  constexpr std::string_view before = "tried to allocate ", after = " bytes";
  const auto begin = text.find(before), end = text.find(after, begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  const auto bytes = parse_number<double>(text.substr(begin + before.size(), end - begin - before.size()));
  return bytes ? fmt::format(" ({} more were wanted at once)", format_bytes(*bytes)) : std::string();
}

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return true;
  if (const auto* own = dynamic_cast<const Error*>(&error)) return own->kind() == ErrorKind::memory;
  // Neither LibTorch nor OpenCV has a type for it.
  const std::string_view text = error.what();
  for (const char* words : {"out of memory", "can't allocate memory", "Insufficient memory"})
    if (text.find(words) != std::string_view::npos) return true;
  return false;
}

std::string failure_line(const std::exception& error) {
  if (is_out_of_memory(error)) return "out of memory" + wanted_bytes(error.what());
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  if (!torch_error) return failure_words(error);
  const std::string text = torch_error->what_without_backtrace();
  return "LibTorch: " + text.substr(0, text.find('\n'));
}

}  // namespace ganvas
