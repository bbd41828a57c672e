#pragma once

#include <string>

#include "ganvas/sweep/options.hpp"
#include "ganvas/train/options.hpp"

namespace ganvas::cli {

struct SweepRequest {
  /// One process for all, or a part of `workers` processes.
  enum class Part {
    all,      ///< prepares, works, prints
    prepare,  ///< checks everything and makes the folder
    work,
    print,  ///< the table of what is there
  };
  std::string file;         ///< SWEEP.toml
  TrainOptions training{};  ///< data, device and threads
  SweepOptions options{.out = "sweeps/{sweep}"};
  Part part = Part::all;
  bool dry_run = false, json = false;
};

}  // namespace ganvas::cli
