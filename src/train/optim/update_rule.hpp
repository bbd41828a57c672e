#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "ganvas/core/recipe.hpp"
#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// How an optimiser turns gradients into new weights. The state of each parameter is tensors of its shape, so that a
/// checkpoint holds them by name.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;
  struct Moment {
    std::int64_t count = 1;  ///< which update of the parameter it is, from 1
    std::int64_t step = 0;   ///< of the run, from 0
    double rate = 0;
  };
  /// One update of the `index`-th parameter. Without autograd.
  virtual void update(std::size_t index, torch::Tensor parameter, const torch::Tensor& gradient,
                      const Moment& moment) = 0;

  /// All state becomes zeros, as it began.
  void reset();
  /// The state by name: "<index>.first" and so on.
  StateDict state() const;
  /// Throws Error(model) when names or shapes don't fit.
  void restore(const StateDict& state, const std::string& name);

 protected:
  /// State tensors like the given ones, zeros; handles on what state() and restore() see.
  std::vector<torch::Tensor> slot(const std::string& name, const std::vector<torch::Tensor>& parameters);

 private:
  std::vector<std::pair<std::string, std::vector<torch::Tensor>>> slots_;
};

const std::vector<std::string>& update_rules();

/// Reads `prefix`.type and the rule's own keys:
///   adam     beta1, beta2, eps, weight_decay (added to the gradient) (Kingma and Ba 2015, algorithm 1)
///   adamw    the same with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2)
///   rmsprop  alpha, eps, weight_decay (Tieleman and Hinton 2012)
///   muon     momentum; the updates of convolutions and large matrices are made orthogonal by five Newton-Schulz
///            iterations and scaled to the size of Adam's (Jordan et al. 2024; Liu et al. 2025, section 2.2), all
///            other parameters take Adam. For generators trained on one smooth loss.
/// beta1 and beta2 may be annealed, over `anneal_steps` steps of the run.
std::unique_ptr<UpdateRule> make_update_rule(Recipe& recipe, const std::string& prefix,
                                             const std::vector<torch::Tensor>& parameters, double anneal_steps = 1);

}  // namespace ganvas
