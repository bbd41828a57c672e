#include "train/game/monitor.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"

namespace ganvas {

Monitor::Monitor(Recipe& recipe)
    : on_(recipe.flag("monitor.on", true)),
      window_(recipe.integer("monitor.window", 50, 1, 1'000'000)),
      patience_(recipe.integer("monitor.patience", 200, 1, 1'000'000'000)),
      rollbacks_(recipe.integer("monitor.rollbacks", 3, 0, 1000)),
      diversity_low_(recipe.number("monitor.diversity_low", 0.2, 0.0, 100.0)),
      nearest_low_(recipe.number("monitor.nearest_low", 0.02, 0.0, 100.0)),
      separation_high_(recipe.number("monitor.separation_high", 0.995, 0.5, 1.0)),
      gradient_high_(recipe.number("monitor.gradient_high", 1e4, 0.0, 1e30)),
      gradient_low_(recipe.number("monitor.gradient_low", 1e-8, 0.0, 1e30)),
      ratio_high_(recipe.number("monitor.ratio_high", 1e4, 1.0, 1e30)),
      rate_factor_(recipe.number("monitor.rate_factor", 0.5, 0.0, 1.0)),
      augment_step_(recipe.number("monitor.augment_step", 0.05, 0.0, 1.0)),
      inversion_low_(recipe.number("monitor.inversion_low", -0.3, -1.0, 0.0)),
      action_(recipe.choice("monitor.action", "warn", {"warn", "lower-rate", "augment"})),
      on_inversion_(recipe.choice("monitor.on_inversion", "warn", {"warn", "identity", "restart"})),
      on_nan_(recipe.choice("monitor.on_nan", "rollback", {"rollback", "stop"})) {}

/// Which values of a signal are wrong and what that means.
struct Monitor::Limit {
  double low, high;
  const char* too_low;
  const char* too_high;
  std::string network;
  std::string action{};  ///< empty: what the recipe says for all
};

void Monitor::judge(const Limit& limit, const std::string& name, double value, std::vector<Finding>& findings) {
  Signal& signal = signals_[name];
  ++signal.count;
  // A plain mean at first, an exponential one from `window` values on.
  signal.mean += (value - signal.mean) / static_cast<double>(std::min(signal.count, window_));
  const bool low = signal.mean < limit.low;
  const bool high = signal.mean > limit.high;
  signal.beyond = low || high ? signal.beyond + 1 : 0;
  if (signal.count < window_ || signal.beyond == 0 || signal.beyond % patience_ != 0) return;
  findings.push_back({name, signal.mean, low ? limit.too_low : limit.too_high,
                      limit.action.empty() ? action_ : limit.action, limit.network});
}

std::vector<Monitor::Finding> Monitor::observe(std::int64_t, const Scalars& scalars) {
  std::vector<Finding> findings;
  if (!on_) return findings;
  const auto stem_of = [](const std::string& name) { return name.substr(0, name.rfind('.')); };
  const auto generator_loss = scalars.find("adversarial");
  for (const auto& [name, value] : scalars) {
    if (name.ends_with(".diversity"))
      judge({diversity_low_, INFINITY, "the fakes are far more alike than the real pictures: mode collapse", "",
             stem_of(name)},
            name, value, findings);
    else if (name.ends_with(".nearest"))
      judge(
          {nearest_low_, INFINITY, "many fakes are nearly the same picture: partial mode collapse", "", stem_of(name)},
          name, value, findings);
    else if (name.ends_with(".separation"))
      judge({-INFINITY, separation_high_, "", "the discriminator is always right: the generator learns nothing from it",
             stem_of(name)},
            name, value, findings);
    else if (name.ends_with(".gradient_norm"))
      judge({gradient_low_, gradient_high_, "the gradients vanish", "the gradients explode", stem_of(name)}, name,
            value, findings);
    else if (name.ends_with(".luminance_correlation"))
      judge({inversion_low_, INFINITY, "light becomes dark and dark light: the translator has learnt to invert", "",
             stem_of(name), on_inversion_},
            name, value, findings);
    else if (name.ends_with(".loss") && generator_loss != scalars.end())
      judge({1 / ratio_high_, ratio_high_, "the discriminator's loss is nothing beside the generator's",
             "the generator's loss is nothing beside the discriminator's", stem_of(name)},
            stem_of(name) + ".loss_ratio", (std::abs(value) + 1e-12) / (std::abs(generator_loss->second) + 1e-12),
            findings);
  }
  return findings;
}

bool Monitor::may_roll_back() { return on_nan_ == "rollback" && rolled_back_++ < rollbacks_; }

std::string Monitor::state() const {
  nlohmann::json json{{"rolled_back", rolled_back_}, {"signals", nlohmann::json::object()}};
  for (const auto& [name, signal] : signals_) json["signals"][name] = {signal.mean, signal.count, signal.beyond};
  return json.dump();
}

void Monitor::restore(const std::string& state, const std::string& name) {
  try {
    const auto json = nlohmann::json::parse(state);
    rolled_back_ = json.at("rolled_back").get<std::int64_t>();
    signals_.clear();
    for (const auto& [signal, values] : json.at("signals").items())
      signals_[signal] = {values.at(0).get<double>(), values.at(1).get<std::int64_t>(),
                          values.at(2).get<std::int64_t>()};
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::model, "{}: the monitor's state can't be read", name);
  }
}

}  // namespace ganvas
