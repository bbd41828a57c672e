#pragma once

#include <map>
#include <string>
#include <vector>

#include "ganvas/core/recipe.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// Watches a run for the ways in which adversarial training fails. Signals are scalars of the steps, smoothed over
/// about `window` of them; one that stays beyond its limit for `patience` steps is reported, and again after as many
/// steps.
///   <d>.diversity                    below diversity_low: fakes are more alike than reals (mode collapse)
///   <d>.nearest                      below nearest_low: many fakes are the same picture (partial collapse)
///   <d>.separation                   above separation_high: the discriminator is always right, no gradients
///   <phase>.gradient_norm            above gradient_high or below gradient_low
///   <network>.luminance_correlation  below inversion_low: an unpaired translator turns light into dark
///   <d>.loss_ratio                   |<d>.loss| / |adversarial| above ratio_high or below 1 / ratio_high
/// Recipe table [monitor]: on, window, patience, the limits, action (what to do beside the warning: warn, lower-rate,
/// augment), on_inversion (what to do against that: warn, identity: weigh the identity loss more, restart: begin the
/// generator anew), rate_factor, augment_step, on_nan (rollback, stop), rollbacks (at most).
class Monitor {
 public:
  explicit Monitor(Recipe& recipe);

  struct Finding {
    std::string signal;  ///< the scalar
    double value;
    std::string text;     ///< one sentence for people
    std::string action;   ///< warn, lower-rate, augment, identity, restart
    std::string network;  ///< whose rate is lowered: a network's or a phase's name
  };
  /// Scalars of the step just done; call at every step.
  std::vector<Finding> observe(std::int64_t step, const Scalars& scalars);

  double rate_factor() const { return rate_factor_; }
  double augment_step() const { return augment_step_; }
  /// Whether a NaN may be answered by going back once more; counts the attempt.
  bool may_roll_back();

  /// All that was observed so far, as one line of text; exact.
  std::string state() const;
  void restore(const std::string& state, const std::string& name);

 private:
  struct Signal {
    double mean = 0;
    std::int64_t count = 0, beyond = 0;  ///< steps seen; steps in a row beyond the limit
  };
  struct Limit;
  void judge(const Limit& limit, const std::string& name, double value, std::vector<Finding>& findings);

  bool on_;
  std::int64_t window_, patience_, rollbacks_;
  double diversity_low_, nearest_low_, separation_high_, gradient_high_, gradient_low_, ratio_high_, rate_factor_,
      augment_step_, inversion_low_;
  std::string action_, on_inversion_, on_nan_;
  std::map<std::string, Signal> signals_;
  std::int64_t rolled_back_ = 0;
};

}  // namespace ganvas
