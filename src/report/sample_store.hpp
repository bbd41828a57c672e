#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ganvas/core/files.hpp"
#include "ganvas/report/run_reporter.hpp"
#include "report/thinning.hpp"

namespace ganvas {

/// The sample pictures of a run: files below samples/, and the few that the page shows, compressed.
class SampleStore {
 public:
  static constexpr int side = 400;
  static constexpr std::size_t max_rows = 4, max_cells = 6, max_bytes = 48 << 10;

  struct Cell {
    std::string name;
    std::string uri;  ///< WebP
  };
  struct Row {
    std::string name;
    std::vector<Cell> cells;
  };

  explicit SampleStore(const std::filesystem::path& run) : folder_(run / "samples") {}

  /// Removes the sample folders of later steps.
  void drop_after(std::int64_t step);
  /// Takes in what lies in the folder. Unreadable pictures are named in warnings.
  void load();
  /// Writes the pictures; those that changed since the last step go to `changed` as they are in the file.
  using Changed = std::function<void(const std::string& row, const std::string& cell, const Image&, const Bytes& png)>;
  void add(std::int64_t step, const std::vector<SampleRow>& rows, const Changed& changed);

  /// By step: of the newest all cells, of earlier ones only what shown_over_time() says.
  const std::map<std::int64_t, std::vector<Row>>& shown() const { return shown_; }

 private:
  struct Last {
    std::uint64_t hash = 0;
    std::filesystem::path path;
  };
  std::filesystem::path folder_of(std::int64_t step) const;
  std::vector<std::int64_t> steps_in_folder() const;
  std::vector<Row> load_step(std::int64_t step, bool newest) const;
  bool write(const std::filesystem::path& path, const std::string& key, const Bytes& png);
  void show(std::int64_t step, std::vector<Row> rows);

  std::filesystem::path folder_;
  Thinning thinning_;
  std::map<std::int64_t, std::vector<Row>> shown_;
  std::map<std::string, Last> last_;  ///< by "row-cell"
};

/// The cell of a row that changes as the network learns: "result", else the second one, else the first.
std::string shown_over_time(const std::vector<std::string>& cells);

}  // namespace ganvas
