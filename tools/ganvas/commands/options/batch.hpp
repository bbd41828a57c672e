#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ganvas::cli {

/// The options that every folder-to-folder command shares; BatchOptions in the words of the command line.
struct BatchRequest {
  std::vector<std::string> inputs, include, exclude;
  std::string output;
  std::string name = "{stem}";
  std::string format;  ///< empty: the input's
  int quality = 95, png_level = 1;
  std::uint64_t max_pixels = UINT64_C(1) << 28;
  int shard_index = 1, shard_count = 1;
  int limit = 0;
  bool recursive = false, skip_existing = false, force = false, strip_metadata = false;
  bool dry_run = false, json = false, stop_on_error = false;
};

}  // namespace ganvas::cli
