#pragma once

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>

#include "fuzz/fuzz.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/scratch_folder.hpp"
#include "ganvas/nn/graph_files.hpp"

namespace ganvas::fuzz {

/// Readers of networks that come with their graph want files: their weights may lie in others beside them.
class GraphFolder {
 public:
  std::filesystem::path operator/(const char* name) const { return folder_.path() / name; }
  void write(const char* name, std::span<const std::uint8_t> bytes) const {
    write_file_atomically(*this / name, bytes);
  }

 private:
  ScratchFolder folder_;
};

}  // namespace ganvas::fuzz
