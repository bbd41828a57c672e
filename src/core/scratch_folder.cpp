#include "ganvas/core/scratch_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "ganvas/core/error.hpp"

namespace ganvas {

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "ganvas-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) fail(ErrorKind::file, "{}: {}", pattern, std::strerror(errno));
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ganvas
