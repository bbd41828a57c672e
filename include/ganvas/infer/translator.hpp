#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ganvas/imaging/image.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

struct TranslateOptions {
  std::string device = "auto";     ///< auto, cpu, cuda:N
  std::string precision = "auto";  ///< auto, fp32, bf16, int8
  std::string engine = "auto";     ///< auto: the compiled CPU engine where it can; libtorch: never
  int threads = 0;                 ///< CPU threads; 0: all
  int tile = 0;                    ///< side of a tile in pixels; 0: whole pictures while they fit, else chosen
  /// Dropout and batch statistics as in training, which is how pix2pix is published; pictures then are translated as a
  /// whole.
  bool train_mode = false;
  std::uint64_t seed = 0;  ///< of dropout; every picture starts from it, whatever came before
};

/// Translates pictures with one network of scale 1. Not for several threads at once.
class Translator {
 public:
  /// Throws Error(model) for networks that enlarge or take other than 1, 3 or 4 channels.
  Translator(LoadedGenerator model, const TranslateOptions& options);
  ~Translator();

  /// Any size, channels and depth. The result has the picture's size and depth and the network's channels; transparency
  /// that the network doesn't take is carried over. A picture too large to be translated as a whole is translated in
  /// tiles with the statistics of the whole: there is no seam, and no tile has a colour of its own. `progress` gets the
  /// finished share, 0..1. Throws Error(memory), Error(model) for a network that gives NaN, Error(interrupted).
  Image translate(const Image& image, const std::function<void(double)>& progress = {});

  const GeneratorInfo& info() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ganvas
