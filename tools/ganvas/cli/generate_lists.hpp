#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ganvas/infer/options.hpp"

/// Lists and ranges as the options of `generate` write them. All throw Error(usage) that names the option.
namespace ganvas::cli {

/// "1-64,99": whole numbers from 0 up, at most a million.
std::vector<std::int64_t> seeds_in(const std::string& text, const char* option = "--seeds");
/// The same, of a network's layers.
std::vector<int> layers_in(const std::string& text, const char* option);
/// "0.7", or "0.3..1:5": five values from 0.3 to 1.
std::vector<double> truncations_in(const std::string& text);
/// "8x4": columns and rows.
std::pair<int, int> grid_in(const std::string& text);
/// "1-4,10-15:0-3": rows, columns, layers.
StyleMix mix_in(const std::string& text);

}  // namespace ganvas::cli
