#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "ganvas/core/scratch_file.hpp"
#include "ganvas/data/pair_source.hpp"

namespace ganvas {

/// Where training pictures lie: in memory up to a limit, beyond it in a file without a name, from which the system
/// fetches what crops touch. Safe from any thread.
class PairStore {
 public:
  /// `limit` in bytes; 0: half of what is available now. `folder` empty: that of temporary files.
  PairStore(std::uint64_t limit, const std::filesystem::path& folder);
  /// Counts a pair's pixels, and moves them out of memory where they are too many.
  void keep(ImagePair& pair);
  /// The same for one more picture of a pair.
  void keep(ImagePair& pair, Image& image);
  std::uint64_t moved() const { return file_->size(); }

 private:
  std::uint64_t limit_;
  std::atomic<std::uint64_t> bytes_{0};
  std::shared_ptr<ScratchFile> file_;
};

}  // namespace ganvas
