#pragma once

#include <torch/nn/module.h>

#include "ganvas/core/annealed.hpp"
#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// How fast an average follows.
struct EmaPace {
  double decay = 0;        ///< a step; 0: no average, unless half_life says one
  Annealed half_life = 0;  ///< in pictures, in place of `decay`; never above 0: none
  double ramp_up = 0;      ///< the half-life is at most this share of the pictures seen; 0: never shortened
  std::int64_t batch = 1;  ///< pictures a step

  bool by_half_life() const { return half_life.most() > 0; }
  bool on() const { return decay > 0 || by_half_life(); }
  /// After the given number of steps (from 1). With `decay`, at first (1 + n) / (10 + n), so that the first random
  /// weights are forgotten; with a half-life 0.5^(batch / half-life) (StyleGAN2-ADA's published code).
  double at(std::int64_t steps) const;
};

/// Exponential moving average of a network's parameters; buffers are copied as they are.
class Ema {
 public:
  Ema(std::shared_ptr<torch::nn::Module> network, const EmaPace& pace);
  /// After the given number of steps (from 1).
  void update(std::int64_t steps);
  const StateDict& average() const { return average_; }
  void restore(const StateDict& average, const std::string& name);

  /// Within the scope the network holds the averaged weights.
  class Scope {
   public:
    explicit Scope(const Ema& ema);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    const Ema& ema_;
    StateDict kept_;
  };

 private:
  std::shared_ptr<torch::nn::Module> network_;
  EmaPace pace_;
  StateDict average_;
};

}  // namespace ganvas
