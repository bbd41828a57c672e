#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ganvas/nn/generator.hpp"

namespace ganvas {

/// A part of a picture, in its pixels.
struct PictureRegion {
  int x = 0, y = 0, width = 0, height = 0;
};

/// How values that a later step needs are stored between the steps.
enum class KeptPrecision {
  automatic,  ///< fp32 where that costs no more time within the budget, else fp16
  fp32,
  fp16  ///< bf16 for blocks with values beyond fp16's 65504
};

struct RegionOptions {
  std::uint64_t keep_bytes = std::uint64_t{2} << 30;    ///< most bytes of features kept whole at any moment
  std::uint64_t work_bytes = std::uint64_t{384} << 20;  ///< most bytes of features of one tile, by estimate
  int tile = 0;  ///< side of the tiles in input pixels, whatever they take; 0: chosen by `work_bytes`
  KeptPrecision kept = KeptPrecision::automatic;
  bool bf16 = false;  ///< convolutions between others in bf16, on CPUs that have it
};

/// What a run would take or took.
struct RegionStatistics {
  int passes = 0;                  ///< walks over the whole picture
  int kept = 0;                    ///< values kept whole for a while
  bool kept_in_fp16 = false;       ///< how
  std::uint64_t kept_bytes = 0;    ///< most alive at once
  std::uint64_t work_bytes = 0;    ///< most of one tile, by estimate
  double multiply_adds = 0;        ///< of convolutions, recomputed ones and overlaps included
  double plain_multiply_adds = 0;  ///< of the network over the whole picture at once
};

/// Runs a generator over a picture of any size in bounded memory with the result of the whole picture: no seams, and
/// where the network has statistics over all pixels (instance norm, channel attention) they are those of all pixels.
///
/// The picture is walked tile by tile, once for each layer of statistics. Between the walks the values that are cheap
/// to store and dear to compute are kept; the others are computed again where they are needed.
/// On the CPU; not for several threads at once.
class RegionRunner {
 public:
  /// Gives 1 x in_channels x height x width of the picture in the network's value range, fp32. The region lies inside
  /// the picture; the same is asked for several times.
  using Source = std::function<torch::Tensor(const PictureRegion& region)>;
  /// Takes 1 x out_channels x height x width of the result, fp32, channels_last. Each pixel comes once, unless the
  /// network samples farther than it was taken to: then all of them come again, and the last ones count.
  using Sink = std::function<void(const PictureRegion& region, const torch::Tensor& values)>;
  /// From 0 to 1, in shares of the work.
  using ProgressFunction = std::function<void(double done)>;

  /// Takes the network as it is now and compares the result with the network's own on a small picture. Null with the
  /// reason in `why` when it has operators that aren't known, or when the results differ.
  static std::unique_ptr<RegionRunner> compile(Generator& network, std::string& why);
  ~RegionRunner();

  /// The whole picture, `scale` times as large. Throws std::bad_alloc when even small tiles don't fit the free memory,
  /// Error(interrupted) between two tiles, and what the functions throw.
  RegionStatistics run(int height, int width, const Source& source, const Sink& sink, const RegionOptions& options = {},
                       const ProgressFunction& progress = {});

  /// Whether parts of the result are made of parts of the picture, and of means and variances over all pixels.
  bool local() const;

  /// What run() would take, without running; kept_bytes is the bound that it stays below.
  RegionStatistics estimate(int height, int width, const RegionOptions& options = {}) const;

 private:
  struct State;
  explicit RegionRunner(std::unique_ptr<State> state);
  RegionStatistics run_once(int height, int width, const Source& source, const Sink& sink, const RegionOptions& options,
                            const ProgressFunction& progress);
  std::unique_ptr<State> state_;
};

}  // namespace ganvas
