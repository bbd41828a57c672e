#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "ganvas/imaging/image.hpp"
#include "ganvas/report/options.hpp"

namespace ganvas {

struct CompareSummary {
  std::vector<std::string> columns;                                ///< "psnr_y", "ssim_y", ...
  std::vector<std::pair<std::string, std::vector<double>>> means;  ///< by result: its name, and a value a column
  std::size_t pictures = 0, failed = 0;
};

/// Writes a self-contained page: pictures side by side under a slider, magnified areas where the results differ most,
/// and the figures. Which result belongs to which picture: find_partners(). What has
/// no partner, can't be read or has another size is named as an error in the log and left out. A picture is embedded as
/// a whole, shrunk to at most 640 pixels a side and 64 KiB, and in three areas of 96 x 96 of at most 16 KiB. Throws
/// Error(data) when there is nothing to compare or a folder isn't there, Error(file) when the page can't be written.
CompareSummary compare_folders(const CompareOptions& options, const std::filesystem::path& out);

}  // namespace ganvas
