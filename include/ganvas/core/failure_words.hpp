#pragma once

#include <exception>
#include <string>

namespace ganvas {

/// What an exception that isn't an Error says, in our words: of the file system the path and why, "PATH: Permission
/// denied"; of results that can't be printed that they can't; of all others their own text.
std::string failure_words(const std::exception& error);

}  // namespace ganvas
