#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

/// What callers may choose in this module, free of OpenCV: a command line binds these fields before it is loaded.
namespace ganvas {

struct Image;

/// One more figure for the table, e.g. LPIPS. Both pictures have the same size; 8 bits, RGB.
struct CompareColumn {
  std::string name;
  bool smaller_is_better = true;
  std::function<double(const Image& result, const Image& reference)> measure{};
};

struct CompareOptions {
  std::vector<std::filesystem::path> results{};  ///< a folder for each way in which the pictures were made
  std::filesystem::path reference{};             ///< folder (or file) of ground truth
  int border = 4;                                ///< pixels that the figures leave out on each side
  std::size_t limit = 20;                        ///< so many pictures are shown; the table has all
  std::vector<CompareColumn> columns{};          ///< behind PSNR-Y and SSIM-Y
};

}  // namespace ganvas
