#pragma once

#include <string>

#include "ganvas/core/error.hpp"

namespace ganvas::cli {

/// Of one picture's failure in upscale or translate: the message, and behind it the option that helps.
std::string explain(const Error& error);

}  // namespace ganvas::cli
