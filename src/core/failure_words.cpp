#include "ganvas/core/failure_words.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

namespace ganvas {

std::string failure_words(const std::exception& error) {
  const auto* files = dynamic_cast<const std::filesystem::filesystem_error*>(&error);
  // {fmt} prints results.
  const bool lost = std::string_view(error.what()).starts_with("cannot write to file");
  if (lost && dynamic_cast<const std::system_error*>(&error)) return "standard output: can't write all results";
  if (!files) return error.what();
  const std::string path = files->path1().string();
  return path.empty() ? files->code().message() : path + ": " + files->code().message();
}

}  // namespace ganvas
