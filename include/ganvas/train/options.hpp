#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What callers may choose in this module, free of LibTorch: a command line binds these fields before it is loaded.
namespace ganvas {

/// Where the data are.
struct TaskData {
  std::vector<std::filesystem::path> places{};
  std::filesystem::path lr{};          ///< low-resolution partners; empty: made on the fly
  std::filesystem::path validation{};  ///< empty: some training pictures are held out
};

struct TrainOptions {
  std::filesystem::path out{};  ///< the run's folder: log.jsonl, recipe.toml, checkpoints/, model.safetensors
  TaskData data{};
  std::optional<std::int64_t> stop_at{};  ///< end early, with a checkpoint, when this many steps are done
  bool resume = false;                    ///< go on from checkpoints/latest.safetensors
  bool new_data = false;                  ///< of a resumed run: other pictures than before; the best score starts anew
  std::string device = "auto";            ///< auto, cpu, cuda or cuda:N
  /// CPU threads; 0: all, or a resumed run's own number. Another count may round differently.
  int threads = 0;
  bool quiet = false;  ///< no progress and no news, which log.jsonl has
  /// Called after each step with the number of steps done; for benchmarks and for callers with a display of their own.
  /// What it throws leaves through train(), and nothing is saved then.
  std::function<void(std::int64_t step)> after_step{};
  /// A model file by shipped name or path (FindModel), for losses and starting weights; empty: paths only.
  std::function<std::filesystem::path(const std::string&)> find_model{};
};

}  // namespace ganvas
