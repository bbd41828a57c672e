#include "ganvas/core/paths.hpp"

namespace fs = std::filesystem;

namespace ganvas {

bool lies_below(const fs::path& path, const fs::path& folder) {
  std::error_code unknown;
  const fs::path way = fs::weakly_canonical(path, unknown).lexically_relative(fs::weakly_canonical(folder, unknown));
  return !way.empty() && way != "." && *way.begin() != "..";
}

}  // namespace ganvas
