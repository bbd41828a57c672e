#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ganvas/train/adversary.hpp"
#include "train/criteria/backward.hpp"
#include "train/game/generate.hpp"

namespace ganvas {

/// A game of generators against adversaries. All that follows from having such players is here: phases, networks, what
/// a checkpoint holds, the monitor's answers, the export. A task adds its players in its constructor, in the order in
/// which they draw their weights, and says what is particular to it: data, the generators' terms, which real and which
/// fake picture each adversary sees, validation, preview.
/// Recipe table [adversarial]: on (without, generators learn from their other terms alone), repeats (updates of the
/// adversaries a step), interval (they learn at steps divisible by it), and see Adversary; loss.feature_matching and
/// loss.steady_weight.
class AdversarialTask : public Task {
 public:
  std::vector<Phase> phases() const final;
  std::vector<NamedNetwork> networks() const final;
  void begin_step(std::int64_t step) final;
  Scalars accumulate(const Phase& phase, const Batch& batch, double weight) final;
  void after_update(const Phase& phase) final;
  void raise_augmentation(double amount) final;
  void answer_inversion(const std::string& network, const std::string& action) final;
  StateDict state() const final;
  void restore(const StateDict& state) final;
  /// The first generator at `path`, a second one beside it (reverse_model).
  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override;

 protected:
  struct Rules {
    bool on = true;                  ///< default of adversarial.on
    bool paired = false;             ///< each fake has a real partner of the same content
    bool adversaries_first = false;  ///< whose turn comes first in a step
  };
  AdversarialTask(TaskContext context, const Rules& rules);

  /// A generator from the recipe's table [generator]; it keeps an average. For `start_key` see build_generator().
  GeneratorPtr add_generator(const std::string& name, const std::string& default_architecture,
                             const std::string& start_key = "start");
  /// A generator of another make, or a network that learns with the generators.
  void add_network(NamedNetwork network);
  /// See Adversary; "discriminator" or "discriminator_<way>". Its state's keys in a checkpoint begin with
  /// `state_prefix`. Nothing without adversarial.on.
  void add_adversary(const std::string& name, int channels, int size, double low = 0,
                     const std::string& state_prefix = "", int classes = 0);
  bool has_adversaries() const { return !adversaries_.empty(); }
  /// Throws Error(recipe) where neither `other_terms` nor an adversary teaches the generators.
  void check_teaches(bool other_terms) const;

  /// What one adversary is to tell apart: N x C x H x W each, in the order in which they were added.
  struct Contest {
    torch::Tensor real, fake;
    torch::Tensor classes{};  ///< N x classes one-hot, of both; undefined without any
  };
  virtual std::vector<Contest> contests(const Batch& batch) = 0;
  /// What the generators learn from, with a graph to them. `scalars`: further numbers to log.
  virtual Terms generator_terms(const Batch& batch, Scalars& scalars) = 0;
  /// A monitor sees inverted colours and asks for more weight on what keeps them.
  virtual void weigh_identity_more() {}
  /// Before the phases of a step.
  virtual void begin_own_step(std::int64_t /*step*/) {}
  /// All adversaries judge pictures of this level of progressive growing.
  void set_level(int level, double fade);
  /// See Adversary::opinion().
  double opinion(std::size_t adversary, const torch::Tensor& pictures, const torch::Tensor& classes) const {
    return adversaries_.at(adversary).adversary->opinion(pictures, classes);
  }
  /// What a checkpoint holds beside networks and adversaries.
  virtual StateDict own_state() const { return {}; }
  virtual void restore_own(const StateDict&) {}

  /// Adds what an adversary says of the fake to the generators' terms: "adversarial" and "matching", with "_<way>"
  /// behind them as in its name.
  void play(Terms& terms, std::size_t adversary, const Contest& contest);
  /// Adds by loss.steady_weight how far what `make` makes of a moved input is from the moved result: what flickers in
  /// films, and what a lattice that stays in its place does. "steady" with `suffix` behind it.
  void hold_steady(Terms& terms, const torch::Tensor& input, const torch::Tensor& result,
                   const std::function<torch::Tensor(const torch::Tensor&)>& make,
                   const std::string& suffix = "") const;
  /// Keeps what a generator made of an input of this step, for contests().
  void keep(const torch::Tensor& input, const torch::Tensor& fake);
  /// The fake that was kept, or what `make` makes now, without a graph.
  torch::Tensor fake_of(const torch::Tensor& input, const std::function<torch::Tensor()>& make) const {
    return fakes_.of(input, make);
  }

  /// The step that goes on, from 0.
  std::int64_t step() const { return step_; }

  TaskContext context_;

 private:
  struct Player {
    std::string state_prefix, way;
    std::unique_ptr<Adversary> adversary;
    std::string term(const char* name) const { return way.empty() ? name : name + ("_" + way); }
  };

  Rules rules_;
  bool on_;
  int repeats_, interval_;
  double matching_, steady_weight_;
  std::int64_t step_ = 0;
  std::vector<NamedNetwork> generators_;  ///< and what learns with them
  std::vector<Player> adversaries_;
  StepFakes fakes_;
};

}  // namespace ganvas
