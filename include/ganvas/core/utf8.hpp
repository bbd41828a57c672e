#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ganvas {

/// Whether a text is valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

/// A character by its Unicode number; empty for surrogates and numbers beyond U+10FFFF, which are none.
std::string utf8_of(std::uint32_t number);

}  // namespace ganvas
