#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "train/game/monitor.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/distributed.hpp"
#include "train/loop/settings.hpp"
#include "train/optim/ema.hpp"
#include "train/optim/optimiser.hpp"

namespace ganvas {

/// What learns: a task's networks with their optimisers, averages and the monitor. All that a step changes is here, and
/// so is all that a checkpoint holds.
class Learner {
 public:
  /// Reads the recipe to its end. `options.find_model` and the data may be empty when the recipe is only checked.
  Learner(Recipe& recipe, const TrainSettings& settings, const TrainOptions& options, torch::Device device,
          const Distributed& group);

  Task& task() { return *task_; }
  /// How many batches a step takes.
  int batches_per_step() const { return batches_per_step_; }

  /// All phases of step `step` (from 0). Returns the scalars, means over the processes. Throws NotFinite, with the
  /// networks as they were before the phase that failed.
  struct NotFinite {
    std::string what, phase;
    double value;
  };
  Scalars step(std::int64_t step, const std::vector<Batch>& batches);
  /// What the monitor has to say about a step's scalars; carries out what it asks for.
  std::vector<Monitor::Finding> watch(std::int64_t step, const Scalars& scalars);
  /// Whether a roll-back is still allowed; counts it.
  bool may_roll_back() { return monitor_.may_roll_back(); }
  /// After a roll-back: the monitor and the rates of `later`, which know of the trouble, and lower rates for all.
  void go_on_carefully(const Checkpoint& later, const std::string& name);
  Scalars rates(std::int64_t step) const;

  /// While the result lives, the networks hold their averages.
  std::vector<std::unique_ptr<Ema::Scope>> averaged_weights() const;

  void save_to(Checkpoint& checkpoint) const;
  void restore(const Checkpoint& checkpoint, const std::string& name);
  /// Makes all processes start from the first one's weights.
  void synchronise();

 private:
  void restore_trouble(const Checkpoint& checkpoint, const std::string& name);
  void set_learning(const Phase& phase);
  void run_phase(const Phase& phase, std::int64_t step, const std::vector<Batch>& batches, Scalars& scalars);
  void check_finite(const Phase& phase, const Scalars& scalars) const;

  const Distributed& group_;
  int accumulation_;
  std::unique_ptr<Task> task_;
  std::vector<Phase> phases_;
  std::map<std::string, Optimiser> optimisers_;  ///< by phase
  std::map<std::string, Ema> averages_;          ///< by network
  std::map<std::string, double> factors_;        ///< what the monitor left of each phase's rate
  Monitor monitor_;
  int batches_per_step_ = 1;
};

}  // namespace ganvas
