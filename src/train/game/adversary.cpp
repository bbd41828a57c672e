#include "ganvas/train/adversary.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "train/game/build_generator.hpp"
#include "train/game/start_weights.hpp"

namespace ganvas {

using torch::Tensor;

namespace {

void start(const TaskContext& context, const std::string& name, Discriminator& network) {
  Recipe& recipe = context.recipe;
  const std::string key = "discriminator.start" + name.substr(std::string("discriminator").size());
  if (const std::string file = recipe.text(key, ""); !file.empty() && context.find_model) {
    const std::string path = context.model(key, file).string();
    start_from(network, discriminator_weights(path, name), path,
               fmt::format("{} {}", network.architecture(), network.config().dump()), "has other names or shapes");
  }
  const std::int64_t frozen = recipe.integer("discriminator.freeze", 0, 0, 1000);
  if (const int layers = freeze_layers(network, frozen); frozen >= layers)
    fail(ErrorKind::recipe, "{}: discriminator.freeze={}: of its {} layers at least one must learn", recipe.name(),
         frozen, layers);
}

DiscriminatorPtr build(const TaskContext& context, const std::string& name, int channels, int size, int classes) {
  Recipe& recipe = context.recipe;
  const std::string architecture = recipe.text("discriminator.architecture", "vgg-style");
  nlohmann::json config = recipe.table(
      "discriminator", {"architecture", "init", "init_gain", "clip_weights", "freeze", "start", "start_reverse"});
  config["channels"] = channels;
  if (classes > 0) config["classes"] = classes;
  DiscriminatorPtr network = make_discriminator(architecture, config, size);
  nlohmann::json resolved = network->config();
  for (const char* key : {"channels", "classes"}) resolved.erase(key);  // follow from the data
  recipe.record("discriminator", resolved);
  initialise_from_recipe(recipe, "discriminator", *network);
  start(context, name, *network);
  use_channels_last(*network);
  return network;
}

/// Means over all but the channels of N x C or N x C x H x W.
Tensor mean_features(const Tensor& features) { return features.transpose(0, 1).flatten(1).mean(1); }

/// Share of pairs in which the real picture has the larger logit.
double separation(const Tensor& real, const Tensor& fake) {
  const Tensor r = real.detach().to(torch::kFloat).reshape({real.size(0), -1}).mean(1);
  const Tensor f = fake.detach().to(torch::kFloat).reshape({fake.size(0), -1}).mean(1);
  const Tensor difference = r.unsqueeze(1) - f.unsqueeze(0);
  return (0.5 + 0.5 * difference.sign()).mean().item<double>();
}

}  // namespace

Adversary::Adversary(const TaskContext& context, std::string name, int channels, int size, double low, int classes)
    : name_(std::move(name)),
      device_(context.device),
      bf16_(context.bf16),
      steps_(context.steps),
      start_(context.recipe.integer("adversarial.start", 0, 0)),
      interval_(context.recipe.integer("adversarial.interval", 1, 1, 1'000'000)),
      weight_(Annealed::from_recipe(context.recipe, "adversarial.weight", 1.0, 0.0, 1e6, context.anneal_steps)),
      discriminator_weight_(context.recipe.number("adversarial.discriminator_weight", 1.0, 0.0, 1e6)),
      clip_(context.recipe.number("discriminator.clip_weights", 0.0, 0.0, 1e6)),
      noise_(context.recipe.number("adversarial.instance_noise", 0.0, 0.0, 10.0)),
      noise_until_(context.recipe.number("adversarial.instance_noise_until", 0.5, 1e-6, 1.0)),
      low_(low),
      network_(build(context, name_, channels, size, classes)),
      loss_(context.recipe.choice("adversarial.loss", "non-saturating", adversarial_losses())),
      labels_(LabelOptions::from_recipe(context.recipe, "labels")),
      regulariser_(Regulariser::from_recipe(context.recipe, "regulariser", context.anneal_steps)),
      augment_(Augment::from_recipe(context.recipe, "augment", context.anneal_steps)),
      pool_(context.recipe.integer("adversarial.pool", 0, 0, 100000)) {
  network_->to(device_);
  if (name_ == "discriminator") warn_of_idle_options(context.recipe);
}

void Adversary::warn_of_idle_options(Recipe& recipe) const {
  if (start_ >= steps_)
    log(LogLevel::warning, "{}: adversarial.start={} lies beyond the run's {} steps: the generator never plays",
        recipe.name(), start_, steps_);
  if (labels_.fake != 0 && recipe.text("adversarial.loss", "non-saturating") == "relativistic-pairing")
    log(LogLevel::warning, "{}: labels.fake does nothing with relativistic-pairing: its targets are for pairs",
        recipe.name());
  if (noise_ == 0 && !recipe.at_default("adversarial.instance_noise_until"))
    log(LogLevel::warning, "{}: adversarial.instance_noise_until does nothing without instance_noise", recipe.name());
}

void Adversary::begin_step(std::int64_t step) {
  step_ = step;
  augment_.begin_step(step);
}

Tensor Adversary::seen(const Tensor& pictures) const {
  Tensor x = pictures;
  if (augment_.on()) x = augment_((pictures - low_) / (1 - low_)) * (1 - low_) + low_;
  const double left =
      1 - static_cast<double>(step_) / (noise_until_ * static_cast<double>(std::max<std::int64_t>(steps_, 1)));
  if (noise_ > 0 && left > 0) x = x + noise_ * left * torch::randn_like(x);
  return x;
}

Tensor Adversary::judged(const Tensor& pictures, const Tensor& classes) {
  if (level_ >= 0) return network_->at_level(pictures, level_, fade_, classes);
  return classes.defined() ? network_->given(pictures, classes) : network_->forward(pictures);
}

double Adversary::opinion(const Tensor& pictures, const Tensor& classes) {
  const torch::NoGradGuard no_grad;
  network_->eval();
  const AutocastScope autocast(bf16_, device_.is_cuda());
  return judged(pictures, classes).to(torch::kFloat).mean().item<double>();
}

Tensor Adversary::logits(const Tensor& pictures, const Tensor& classes) {
  const AutocastScope autocast(bf16_, device_.is_cuda());
  return judged(seen(pictures), classes).to(torch::kFloat);
}

Scalars Adversary::learn(const Tensor& real, const Tensor& fake, double weight, const Tensor& classes) {
  network_->train();
  const Tensor old_fake = pool_.query(fake), true_real = real.detach();
  const Tensor real_logits = logits(true_real, classes), fake_logits = logits(old_fake, classes);
  augment_.observe(real_logits);
  Tensor loss = loss_.for_discriminator(real_logits, fake_logits, labels_);
  Scalars scalars{{name_ + ".loss", loss.item<double>()},
                  {name_ + ".separation", separation(real_logits, fake_logits)}};
  loss = loss * discriminator_weight_;
  if (regulariser_.due(step_ / interval_)) {
    // Second derivatives want fp32.
    const AutocastScope off(false, device_.is_cuda());
    for (const auto& [name, term] :
         regulariser_([&](const Tensor& x) { return judged(x, classes); }, true_real, old_fake, step_)) {
      scalars[name_ + "." + name] = term.item<double>();
      loss = loss + term;
    }
  }
  (loss * weight).backward();
  recent_real_.add(true_real);
  recent_fake_.add(fake);
  // By the number of pictures alone, so that all processes of a run have the same scalars to take means of.
  if (recent_real_.count() > 1) {
    const auto share = [](double fakes, double reals) { return reals > 0 ? fakes / reals : 1; };
    scalars[name_ + ".diversity"] = share(recent_fake_.spread(), recent_real_.spread());
    scalars[name_ + ".nearest"] = share(recent_fake_.nearest(), recent_real_.nearest());
  }
  if (augment_.on()) scalars[name_ + ".augment"] = augment_.probability();
  return scalars;
}

Tensor Adversary::judge(const Tensor& real, const Tensor& fake, const Tensor& classes) {
  network_->train();
  Tensor real_logits;
  if (loss_.needs_real()) {
    const torch::NoGradGuard no_grad;
    real_logits = logits(real, classes);
  }
  return weight_.at(step_) * loss_.for_generator(real_logits, logits(fake, classes));
}

Tensor Adversary::feature_distance(const Tensor& real, const Tensor& fake, bool paired) {
  network_->train();
  const AutocastScope autocast(bf16_, device_.is_cuda());
  std::vector<Tensor> wanted;
  {
    const torch::NoGradGuard no_grad;
    wanted = network_->features(real);
  }
  const std::vector<Tensor> got = network_->features(fake);
  const auto compared = [paired](const Tensor& features) {
    const Tensor values = features.to(torch::kFloat);
    return paired ? values : mean_features(values);
  };
  Tensor sum = torch::zeros({}, fake.options().dtype(torch::kFloat));
  // All but the logits.
  for (std::size_t i = 0; i + 1 < got.size(); ++i) sum = sum + (compared(got[i]) - compared(wanted[i])).abs().mean();
  return got.size() > 1 ? sum / static_cast<double>(got.size() - 1) : sum;
}

void Adversary::clip_weights() {
  if (clip_ <= 0) return;
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network_->parameters())
    if (parameter.requires_grad()) parameter.clamp_(-clip_, clip_);  // frozen layers stay
}

StateDict Adversary::state() const {
  StateDict state;
  state.set("augment", augment_.state());
  for (const auto& [key, tensor] : pool_.state()) state.set(key, tensor);
  if (recent_real_.state().defined()) state.set("recent_real", recent_real_.state());
  if (recent_fake_.state().defined()) state.set("recent_fake", recent_fake_.state());
  return state;
}

void Adversary::restore(const StateDict& state) {
  augment_.restore(state.at("augment"));
  pool_.restore(state, device_);
  // Runs of earlier versions had no such memory.
  const auto restored = [&](const char* key) {
    const Tensor* features = state.find(key);
    return features ? features->to(device_) : Tensor();
  };
  recent_real_.restore(restored("recent_real"));
  recent_fake_.restore(restored("recent_fake"));
}

}  // namespace ganvas
