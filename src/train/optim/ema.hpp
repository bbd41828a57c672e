#pragma once

#include <torch/nn/module.h>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// Exponential moving average of a network's parameters; buffers are copied as they are.
class Ema {
 public:
  Ema(std::shared_ptr<torch::nn::Module> network, double decay);
  /// After the given number of steps (from 1). Early on the decay is smaller, (1 + n) / (10 + n), so that the first
  /// random weights are forgotten.
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
  double decay_;
  StateDict average_;
};

}  // namespace ganvas
