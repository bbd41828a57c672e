#include "ganvas/core/failure_words.hpp"

#include <filesystem>

namespace ganvas {

std::string failure_words(const std::exception& error) {
  const auto* files = dynamic_cast<const std::filesystem::filesystem_error*>(&error);
  if (!files) return error.what();
  const std::string path = files->path1().string();
  return path.empty() ? files->code().message() : path + ": " + files->code().message();
}

}  // namespace ganvas
