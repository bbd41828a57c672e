#include "train/game/adversarial_task.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/nn/registry.hpp"
#include "train/criteria/moved_part.hpp"
#include "train/game/build_generator.hpp"

namespace ganvas {

namespace {

constexpr const char* kGenerators = "generator";
constexpr const char* kAdversaries = "discriminator";

/// What a recipe says of adversaries waits, unread, while they are switched off on purpose; where a task has none
/// unless asked, such a key is a mistake.
void pass_over(Recipe& recipe) {
  const bool on_purpose = recipe.has("adversarial.on");
  for (const std::string table :
       {"adversarial", "discriminator", "labels", "regulariser", "augment", "optimiser.discriminator"})
    for (const std::string& place : {table, "anneal." + table}) {
      const nlohmann::json waiting = recipe.table(place, {"on"});
      if (!on_purpose && !waiting.empty())
        fail(ErrorKind::recipe, "{}: {}.{}: there is no adversary; it takes adversarial.on = true", recipe.name(),
             place, waiting.begin().key());
    }
}

std::vector<std::string> names_of(const std::vector<NamedNetwork>& networks) {
  std::vector<std::string> names;
  for (const auto& network : networks) names.push_back(network.name);
  return names;
}

}  // namespace

AdversarialTask::AdversarialTask(TaskContext context, const Rules& rules)
    : context_(std::move(context)), rules_(rules), on_(context_.recipe.flag("adversarial.on", rules.on)) {
  Recipe& recipe = context_.recipe;
  if (!on_) pass_over(recipe);
  repeats_ = static_cast<int>(recipe.integer("adversarial.repeats", 1, 1, 100));
  interval_ = static_cast<int>(recipe.integer("adversarial.interval", 1, 1, 1'000'000));
  matching_ = recipe.number("loss.feature_matching", 0.0, 0.0, 1e6);
  steady_weight_ = recipe.number("loss.steady_weight", 0.0, 0.0, 1e6);
  if (matching_ > 0 && !on_)
    fail(ErrorKind::recipe, "{}: loss.feature_matching compares what an adversary sees; it takes adversarial.on = true",
         recipe.name());
}

GeneratorPtr AdversarialTask::add_generator(const std::string& name, const std::string& default_architecture,
                                            const std::string& start_key) {
  GeneratorPtr generator = build_generator(context_, default_architecture, start_key);
  generators_.push_back({name, generator, true});
  return generator;
}

void AdversarialTask::add_network(NamedNetwork network) { generators_.push_back(std::move(network)); }

void AdversarialTask::add_adversary(const std::string& name, int channels, int size, double low,
                                    const std::string& state_prefix, int classes) {
  if (!on_) return;
  const auto dash = name.find('_');
  adversaries_.push_back({state_prefix, dash == std::string::npos ? "" : name.substr(dash + 1),
                          std::make_unique<Adversary>(context_, name, channels, size, low, classes)});
}

void AdversarialTask::check_teaches(bool other_terms) const {
  if (other_terms || matching_ > 0) return;
  for (const auto& player : adversaries_)
    if (player.adversary->ever_plays()) return;
  fail(ErrorKind::recipe,
       "{}: no weight of [loss], [perceptual] and [adversarial] is in force: nothing is to be learnt from",
       context_.recipe.name());
}

std::vector<Phase> AdversarialTask::phases() const {
  std::vector<Phase> phases{{.name = kGenerators, .networks = names_of(generators_)}};
  if (adversaries_.empty()) return phases;
  Phase adversaries{.name = kAdversaries, .networks = {}, .interval = interval_, .repeats = repeats_};
  for (const auto& player : adversaries_) adversaries.networks.push_back(player.adversary->network().name);
  phases.insert(rules_.adversaries_first ? phases.begin() : phases.end(), std::move(adversaries));
  return phases;
}

std::vector<NamedNetwork> AdversarialTask::networks() const {
  std::vector<NamedNetwork> networks = generators_;
  for (const auto& player : adversaries_) networks.push_back(player.adversary->network());
  return networks;
}

void AdversarialTask::begin_step(std::int64_t step) {
  fakes_.clear();
  step_ = step;
  for (const auto& player : adversaries_) player.adversary->begin_step(step);
  begin_own_step(step);
}

void AdversarialTask::set_level(int level, double fade) {
  for (const auto& player : adversaries_) player.adversary->set_level(level, fade);
}

Scalars AdversarialTask::accumulate(const Phase& phase, const Batch& batch, double weight) {
  Scalars scalars;
  if (phase.name == kGenerators) {
    const Terms terms = generator_terms(batch, scalars);
    scalars.merge(backward(terms, weight));
    return scalars;
  }
  // All fakes first: what they draw (dropout) comes before what the adversaries draw.
  const std::vector<Contest> all = [&] {
    const torch::NoGradGuard no_grad;
    return contests(batch);
  }();
  for (std::size_t i = 0; i < adversaries_.size(); ++i)
    scalars.merge(adversaries_[i].adversary->learn(all.at(i).real, all.at(i).fake, weight, all.at(i).classes));
  return scalars;
}

void AdversarialTask::after_update(const Phase& phase) {
  if (phase.name != kAdversaries) return;
  for (const auto& player : adversaries_) player.adversary->clip_weights();
}

void AdversarialTask::hold_steady(Terms& terms, const torch::Tensor& input, const torch::Tensor& result,
                                  const std::function<torch::Tensor(const torch::Tensor&)>& make,
                                  const std::string& suffix) const {
  // Up to eight pixels, the stride of most translators and twice that, and as many at the sides, where borders differ.
  const std::int64_t most = std::min({std::int64_t{8}, input.size(2) / 4, input.size(3) / 4});
  if (steady_weight_ == 0 || most == 0) return;
  const std::int64_t scale = result.size(2) / input.size(2);
  const MovedPart part(most);
  const auto middle = [&](const torch::Tensor& x) {
    const std::int64_t side = scale * most;
    return x.narrow(2, side, x.size(2) - 2 * side).narrow(3, side, x.size(3) - 2 * side);
  };
  terms["steady" + suffix] =
      steady_weight_ * torch::l1_loss(middle(make(part.of(input))), middle(part.of(result, scale)));
}

void AdversarialTask::play(Terms& terms, std::size_t adversary, const Contest& contest) {
  if (adversaries_.empty()) return;
  const Player& player = adversaries_.at(adversary);
  if (player.adversary->plays())
    terms[player.term("adversarial")] = player.adversary->judge(contest.real, contest.fake, contest.classes);
  if (matching_ > 0 && player.adversary->has_begun())
    terms[player.term("matching")] =
        matching_ * player.adversary->feature_distance(contest.real, contest.fake, rules_.paired);
}

void AdversarialTask::keep(const torch::Tensor& input, const torch::Tensor& fake) {
  if (has_adversaries()) fakes_.keep(input, fake);
}

void AdversarialTask::raise_augmentation(double amount) {
  for (const auto& player : adversaries_) player.adversary->raise_augmentation(amount);
}

void AdversarialTask::answer_inversion(const std::string& network, const std::string& action) {
  if (action == "identity") return weigh_identity_more();
  // All of them: where two lead to and fro, each has learnt to undo the other's inversion.
  log(LogLevel::info, "{} inverts colours: every generator starts anew", network);
  for (const auto& player : generators_)
    if (auto* generator = dynamic_cast<Generator*>(player.module.get())) begin_anew(context_, *generator);
}

StateDict AdversarialTask::state() const {
  StateDict state;
  for (const auto& player : adversaries_)
    for (const auto& [key, tensor] : player.adversary->state()) state.set(player.state_prefix + key, tensor);
  for (const auto& [key, tensor] : own_state()) state.set(key, tensor);
  return state;
}

void AdversarialTask::restore(const StateDict& state) {
  for (const auto& player : adversaries_) {
    StateDict part;
    for (const auto& [key, tensor] : state)
      if (key.starts_with(player.state_prefix)) part.set(key.substr(player.state_prefix.size()), tensor);
    player.adversary->restore(part);
  }
  restore_own(state);
}

void AdversarialTask::export_model(const std::filesystem::path& path,
                                   const std::map<std::string, std::string>& figures) {
  bool first = true;
  for (const auto& player : generators_)
    if (auto* generator = dynamic_cast<Generator*>(player.module.get())) {
      save_generator(first ? path : reverse_model(path), *generator, figures);
      first = false;
    }
}

}  // namespace ganvas
