#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ganvas/core/recipe.hpp"
#include "ganvas/core/registry.hpp"
#include "ganvas/data/loader.hpp"
#include "ganvas/format/state_dict.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/nn/recipe_model.hpp"
#include "ganvas/report/run_reporter.hpp"
#include "ganvas/train/options.hpp"

namespace ganvas {

/// Named numbers of a step or a validation; a sorted map, so that logs are stable.
using Scalars = std::map<std::string, double>;

/// One kind of update within a step: which network learns, how often, from which loss. The trainer freezes all other
/// networks, runs accumulate() `accumulation` times, clips, and steps the optimiser named `<name>` in the recipe.
/// A plain task has one phase; a GAN has "discriminator" and "generator".
struct Phase {
  std::string name;
  std::vector<std::string> networks;  ///< whose parameters this phase's optimiser owns
  int interval = 1;                   ///< run at steps divisible by this (lazy regularisation)
  int repeats = 1;                    ///< updates a step, each on a batch of its own (n_critic)
};

/// What the trainer may know of a network.
struct NamedNetwork {
  std::string name;
  std::shared_ptr<torch::nn::Module> module;
  bool averaged = false;  ///< keeps an exponential moving average, which is what is validated and exported
};

/// Everything particular to one kind of training. One file in src/train/tasks/ each.
class Task {
 public:
  virtual ~Task() = default;
  /// Reads the training data. Apart from the constructor, so that a recipe can be checked without any.
  virtual void load_data() = 0;
  virtual std::vector<Phase> phases() const = 0;
  virtual std::vector<NamedNetwork> networks() const = 0;
  /// Data of the n-th batch of the run: a function of `index` alone. Called on loader threads.
  virtual Batch make_batch(std::int64_t index) const = 0;
  /// Forward and backward of one phase on one batch; `weight` scales the loss (1 / accumulation). Returns what to log.
  virtual Scalars accumulate(const Phase& phase, const Batch& batch, double weight) = 0;
  /// Before the phases of a step (from 0), on every process.
  virtual void begin_step(std::int64_t) {}
  /// Whether the optimisers forget what they know before this step, because what is learnt changes.
  virtual bool begins_anew(std::int64_t /*step*/) const { return false; }
  /// After a phase's optimiser has changed its networks.
  virtual void after_update(const Phase&) {}
  /// Figures of the networks as they are now (the trainer puts averaged weights in before). `score` decides which
  /// checkpoint is best, larger is better.
  virtual Scalars validate() = 0;
  virtual double score(const Scalars& validation) const = 0;
  /// Pictures on fixed inputs, of the networks as they are now; empty where there is nothing to look at.
  virtual std::vector<SampleRow> preview() { return {}; }
  /// A monitor sees a discriminator win: change what it sees more strongly, where the task knows how.
  virtual void raise_augmentation(double) {}
  /// A monitor sees `network` invert light and dark: "identity": weigh what keeps colours more; "restart": give it new
  /// weights.
  virtual void answer_inversion(const std::string& /*network*/, const std::string& /*action*/) {}
  /// Whatever a resumed run needs beside networks and optimisers: pools, adaptive probabilities.
  virtual StateDict state() const { return {}; }
  virtual void restore(const StateDict&) {}
  /// Writes the finished model, self-describing. `figures` go into its metadata.
  virtual void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) = 0;
};

/// What a task may ask of its run.
struct TaskContext {
  Recipe& recipe;
  TaskData data;
  torch::Device device;
  std::uint64_t seed;
  int batch;                        ///< samples of this process a batch
  bool bf16;                        ///< run the networks' forward passes under autocast
  std::int64_t steps;               ///< of the whole run
  double anneal_steps = 1;          ///< in which the numbers of [anneal] arrive where they go
  std::filesystem::path scratch{};  ///< folder for pictures that memory can't hold; empty: that of temporary files
  FindModel find_model;             ///< empty when the recipe is only checked

  /// The file that `key` of the recipe names: see recipe_model().
  std::filesystem::path model(const std::string& key, const std::string& name) const {
    return recipe_model(find_model, recipe, key, name);
  }
};

/// One kind of task. Each file of src/train/tasks/ defines `TaskPlugin plugin()` in the namespace
/// ganvas::<file name>_plugin.
struct TaskPlugin {
  std::string name;  ///< value of the recipe's top-level key `task`
  std::string summary;
  std::unique_ptr<Task> (*make)(TaskContext context);
};
const Registry<TaskPlugin>& task_plugins();

}  // namespace ganvas
