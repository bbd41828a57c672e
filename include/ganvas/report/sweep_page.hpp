#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ganvas {

/// What the page of a search for hyper-parameters shows.
struct SweepPage {
  struct Parameter {
    std::string key;
    bool is_list = false;  ///< named values at equal distances instead of numbers
    bool logarithmic = false;
    std::vector<std::string> names;  ///< of a list, in its order
  };
  struct Trial {
    int number = 0;
    std::vector<std::string> values;                      ///< one for each parameter
    std::vector<std::pair<std::int64_t, double>> judged;  ///< steps and metric, at each rung
    std::optional<double> value;                          ///< of the last rung; none: it failed
    std::string failure;
    std::int64_t steps = 0;
    double seconds = 0;
    bool at_end = false;  ///< all steps are done
  };
  struct Repeat {
    std::string seed;
    std::optional<double> value;
    std::string failure;
  };

  std::string title, metric;
  bool larger_is_better = true, finished = false;
  int trials = 0;                                          ///< planned
  std::vector<std::pair<std::string, std::string>> facts;  ///< name, value
  std::vector<Parameter> parameters;
  std::vector<Trial> ranked;                                 ///< best first, failed ones last
  std::vector<std::pair<std::int64_t, double>> best_so_far;  ///< steps of all trials together, best metric then
  std::vector<Repeat> repeats;
  std::string best_recipe;
};

/// Writes it as one self-contained file, by rename. Throws Error(file).
void write_sweep_page(const SweepPage& page, const std::filesystem::path& file);

}  // namespace ganvas
