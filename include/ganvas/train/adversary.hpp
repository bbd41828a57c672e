#pragma once

#include <torch/types.h>

#include <memory>
#include <string>

#include "ganvas/loss/adversarial.hpp"
#include "ganvas/loss/regulariser.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "ganvas/train/augment.hpp"
#include "ganvas/train/history_pool.hpp"
#include "ganvas/train/recent.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// A discriminator with its loss and everything that keeps the game stable; every adversarial task plays through it, so
/// that every stabiliser works with every task. Recipe tables, shared by all adversaries of a task:
///   [discriminator]  architecture, init, init_gain, clip_weights (0: none), start (a checkpoint of a run or a published
///                    file, whose weights are taken where they fit; start_reverse for the second of two), freeze (so
///                    many first layers stay as they are), and the network's own options
///   [adversarial]    loss, weight (of the generator's loss; may be annealed), discriminator_weight, start (first step at which the
///                    generator plays), interval (the discriminator learns at steps divisible by it), pool (fakes of
///                    earlier steps), instance_noise (standard deviation added to what the discriminator sees, falling
///                    to 0), instance_noise_until (share of the run)
///   [labels], [regulariser], [augment]  see LabelOptions, Regulariser, Augment
class Adversary {
 public:
  /// For pictures of `channels` planes and `size` x `size` pixels with values in [low, 1]. `name` is the network's and
  /// stands before scalars.
  /// With `classes` it judges pictures given their class.
  Adversary(const TaskContext& context, std::string name, int channels, int size, double low = 0, int classes = 0);

  NamedNetwork network() const { return {name_, network_, false}; }
  void begin_step(std::int64_t step);
  /// From now on it judges pictures of this level of progressive growing (Discriminator::at_level).
  void set_level(int level, double fade) { level_ = level, fade_ = fade; }
  /// Mean logit of pictures as they are, without a change of any state: what it thinks of those it has learnt from and
  /// of others tells whether it knows the former by heart.
  double opinion(const torch::Tensor& pictures, const torch::Tensor& classes);
  /// Whether adversarial.start is reached, and whether the generator plays against it at this step, or ever.
  bool has_begun() const { return step_ >= start_; }
  bool plays() const { return ever_plays() && has_begun(); }
  bool ever_plays() const { return weight_.most() > 0; }

  /// The discriminator's side, with backward(), times `weight`: real and fake pictures of the same number, without
  /// their history. Scalars: <name>.loss, .separation (share of real-fake pairs in which the real one has the larger
  /// logit; 0.5: can't tell, 1: always right), .diversity (spread of the recent fakes over that of the recent reals),
  /// .nearest (the same of distances to the nearest other one: small where some fakes are copies of others), each
  /// penalty, .augment (its probability).
  /// `classes`: N x classes one-hot, of real and fake alike; undefined without any.
  Scalars learn(const torch::Tensor& real, const torch::Tensor& fake, double weight, const torch::Tensor& classes = {});
  /// The generator's loss, weighted, with a graph to `fake`.
  torch::Tensor judge(const torch::Tensor& real, const torch::Tensor& fake, const torch::Tensor& classes = {});
  /// Mean absolute difference between what its layers make of the two (feature matching), with a graph to `fake`:
  /// place by place where each fake has its real partner (Wang et al. 2018, eq. 4), otherwise of the means over batch
  /// and places (Salimans et al. 2016, section 3.1). Throws Error(recipe) for a discriminator that offers no features.
  torch::Tensor feature_distance(const torch::Tensor& real, const torch::Tensor& fake, bool paired);
  /// After the discriminator's optimiser: clips the weights where the recipe asks for it.
  void clip_weights();
  void raise_augmentation(double amount) { augment_.raise(amount); }

  /// What a checkpoint needs beside the network: pool, augmentation.
  StateDict state() const;
  void restore(const StateDict& state);

 private:
  void warn_of_idle_options(Recipe& recipe) const;
  torch::Tensor logits(const torch::Tensor& pictures, const torch::Tensor& classes);
  torch::Tensor judged(const torch::Tensor& pictures, const torch::Tensor& classes);
  torch::Tensor seen(const torch::Tensor& pictures) const;

  std::string name_;
  torch::Device device_;
  bool bf16_;
  std::int64_t steps_, step_ = 0, start_, interval_;
  Annealed weight_;
  double discriminator_weight_, clip_, noise_, noise_until_, low_;
  int level_ = -1;  ///< negative: it doesn't grow
  double fade_ = 1;
  DiscriminatorPtr network_;
  AdversarialLoss loss_;
  LabelOptions labels_;
  Regulariser regulariser_;
  Augment augment_;
  HistoryPool pool_;
  RecentPictures recent_real_, recent_fake_;
};

/// Mean distance between the pictures of a batch, over local means and variances on a grid of 8 x 8. N x C x H x W with
/// N of at least 2.
double batch_diversity(const torch::Tensor& pictures);

}  // namespace ganvas
