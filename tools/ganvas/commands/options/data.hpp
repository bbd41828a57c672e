#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ganvas::cli {

struct DataCheckRequest {
  std::vector<std::string> places;
  std::string lr;
  int scale = 4, crop = 32;
  bool pairs = false, unpaired = false;  ///< translation instead of super-resolution
};

/// Pictures in, a folder of the same tree out.
struct TreeRequest {
  std::vector<std::string> places;
  std::string out, format = "png";
  std::size_t limit = SIZE_MAX;
  bool force = false;
};

struct DataDegradeRequest {
  TreeRequest tree;
  std::vector<std::string> sets;
  std::string recipe;
  int scale = 0;           ///< 0: the recipe's
  std::uint64_t seed = 1;  ///< validation_seed
  bool compare = false;
};

struct DataAugmentRequest {
  std::vector<std::string> places;
  std::string preview;                ///< the sheet, a PNG file
  std::string recipe;                 ///< whose [augment] says what; empty: `policy` does
  std::vector<std::string> policy{};  ///< empty: the recipe's
  double probability = 0.6;
  int size = 64, pictures = 8, columns = 8;  ///< pixels a side, rows, changed versions of each
  std::uint64_t seed = 1;
  bool force = false;
};

struct DataPairRequest {
  std::string a, b;
  TreeRequest tree;  ///< its places: none
};

struct DataEdgesRequest {
  TreeRequest tree;
  std::string method = "canny";
  std::optional<double> sigma, low, high, threshold;  ///< none: the method's own
  bool white_lines = false, pair = false;
};

struct DataGrayRequest {
  TreeRequest tree;
  bool pair = false;
};

struct DataLabelsRequest {
  TreeRequest tree;
  std::string palette;  ///< a file; empty: PASCAL VOC's colours
  bool reverse = false;
  double tolerance = 8;
  int classes = 256;
};

}  // namespace ganvas::cli
