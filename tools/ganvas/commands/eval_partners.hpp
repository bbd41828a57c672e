#pragma once

#include <filesystem>
#include <vector>

namespace ganvas::cli {

/// Finds the results (or low-resolution pictures) that belong to the originals of a folder.
class EvalPartners {
 public:
  /// `originals`, `place`: folders (searched in depth) or one file each. Throws Error(usage) for a folder of originals
  /// and one file, Error(data) for a place that isn't there.
  EvalPartners(std::filesystem::path originals, std::filesystem::path place, int scale);

  /// In the same subfolder the picture of the same name, or of the same stem, or else the only one whose stem goes on
  /// with "x<scale>" or what is neither letter nor digit; without that, the only one of the same stem anywhere. Throws
  /// Error(data) where there is none, or more than one.
  std::filesystem::path of(const std::filesystem::path& original) const;

 private:
  std::filesystem::path originals_, place_;
  int scale_;
  std::vector<std::filesystem::path> files_;
};

/// The originals of a place, without those that lie in `results` below it.
std::vector<std::filesystem::path> eval_originals(const std::filesystem::path& place,
                                                  const std::filesystem::path& results);

/// How an original is called in tables: its path below the folder of originals.
std::string name_below(const std::filesystem::path& original, const std::filesystem::path& originals);

}  // namespace ganvas::cli
