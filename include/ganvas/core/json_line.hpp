#pragma once
#include <string>

namespace ganvas {

/// A value of nlohmann::json (ordered or not) as text without line breaks. Bytes that aren't UTF-8, as names of files
/// may have, become U+FFFD, where dump() by itself throws.
template <class Json>
std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ganvas
