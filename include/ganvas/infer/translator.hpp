#pragma once

#include <functional>
#include <memory>

#include "ganvas/imaging/image.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

/// Translates pictures with one network of scale 1. Not for several threads at once.
class Translator {
 public:
  /// Throws Error(model) for networks that enlarge, Error(usage) for a palette that the network doesn't have.
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
