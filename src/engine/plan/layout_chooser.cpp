#include "engine/plan/layout_chooser.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/plan/candidates.hpp"
#include "engine/plan/plan.hpp"
#include "ganvas/core/isa.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas::engine {

namespace {

/// Beside a picture, that nobody notices.
constexpr double most_measuring = 0.08;
/// What another layout must save to be taken: times are never quite the same.
constexpr double worthwhile = 0.97;

}  // namespace

CpuFacts cpu_facts() {
  const auto usable = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto tiles = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_amx);
  return {std::string(cpu_name()), engine_has_bf16(), (usable & tiles) == tiles};
}

LayoutChooser::LayoutChooser(const Graph& graph, Numbers numbers, FeatureLayout wish, Size typical,
                             ChooserGround ground)
    : graph_(graph), numbers_(numbers), wish_(wish), typical_(typical), ground_(std::move(ground)) {}

int LayoutChooser::size_class(Size picture) const {
  constexpr double tiny = 48 * 48, large = 128 * 128;
  const double area = static_cast<double>(picture.height) * picture.width;
  return area > tiny && area < large ? 0 : 1;
}

ValueLayouts LayoutChooser::with(Size picture, const Together& together) const {
  return {graph_, picture, numbers_, channel_block(), together};
}

std::string LayoutChooser::key(Size picture) const {
  const dnnl_version_t* library = dnnl_version();
  return fmt::format("{}; instructions {:x}; oneDNN {}.{}.{}; {} threads; network {}; {}{}; size {}", ground_.cpu.name,
                     static_cast<unsigned>(dnnl::get_effective_cpu_isa()), library->major, library->minor,
                     library->patch, at::get_num_threads(), graph_key(graph_),
                     numbers_.features == Element::bf16 ? "bf16" : "fp32", numbers_.int8 ? " int8" : "",
                     size_class(picture));
}

std::string LayoutChooser::in_words(Size picture) { return in_words(picture, layouts_for(picture)); }

std::string LayoutChooser::in_words(Size picture, const Together& together) const {
  const ValueLayouts layouts = with(picture, together);
  int all = 0, found = 0;
  for (const NodeId id : graph_.ids()) {
    if (!as_any_convolution(graph_[id])) continue;
    ++all;
    if (layouts.is_together(id)) ++found;
  }
  return fmt::format("of {} convolutions {} with all channels of a pixel together, the others in blocks", all, found);
}

const Together& LayoutChooser::layouts_for(Size picture) {
  const int of = size_class(picture);
  for (const Known& known : known_)
    if (known.size_class == of) return known.together;
  known_.push_back({of, chosen(picture)});
  return known_.back().together;
}

Together LayoutChooser::chosen(Size picture) {
  switch (wish_) {
    case FeatureLayout::together:
      return Together(graph_.size(), true);
    case FeatureLayout::blocks:
      return blocks_with_strips(graph_, numbers_, channel_block());
    case FeatureLayout::automatic:
      break;
  }
  const auto say = [&](const char* why, const Together& together) {
    log(LogLevel::debug, "layouts ({}): {}", why, in_words(picture, together));
    return together;
  };
  if (const auto found = ground_.cache.find(key(picture), graph_.size()))
    return say("measured before", found->together);
  switch (habit_of(ground_.cpu, numbers_.features == Element::bf16)) {
    case Habit::blocks:
      return say("known of this CPU", blocks_with_strips(graph_, numbers_, channel_block()));
    case Habit::tiles:
      return say("known of CPUs with AMX", by_rates(picture).together);
    case Habit::measured:
      break;
  }
  // A tiny picture's times would say nothing of the others.
  const bool tiny = picture.height * picture.width < typical_.height * typical_.width && size_class(picture) == 1;
  return say("measured now", measure(tiny ? typical_ : picture, most_measuring).chosen.together);
}

Choice LayoutChooser::by_rates(Size picture) const {
  const ValueLayouts layouts = plain(picture);
  std::map<std::string, std::string> asked;
  TileCosts costs(graph_, layouts, numbers_, [&](NodeId id, bool together) {
    const AnyConvolution& conv = *as_any_convolution(graph_[id]);
    const ConvolutionUse use = candidate(graph_, layouts, numbers_, id, together);
    const auto [found, fresh] = asked.try_emplace(signature(conv, use));
    if (fresh) found->second = implementation_of(conv, use);
    return found->second;
  });
  return choose_layouts(graph_, layouts, costs);
}

LayoutChooser::Measured LayoutChooser::measure(Size picture, double most_seconds) {
  const ValueLayouts layouts = plain(picture);
  MeasuredCosts costs(graph_, layouts, numbers_, ground_.stopwatch, most_seconds);
  const Choice best = choose_layouts(graph_, layouts, costs);
  Together usual = blocks_with_strips(graph_, numbers_, channel_block());
  for (const NodeId id : graph_.ids()) usual[id] = usual[id] || layouts.is_together(id);
  const double by_habit = seconds_of(graph_, layouts, usual, costs);
  Measured found{costs.rows(), {best.together, best.seconds}, {}};
  if (best.seconds > worthwhile * by_habit) found.chosen = {usual, by_habit};
  if (std::isfinite(found.chosen.seconds) && found.chosen.seconds > 0) ground_.cache.keep(key(picture), found.chosen);
  found.in_words = in_words(picture, found.chosen.together);
  return found;
}

double LayoutChooser::typical_seconds() {
  if (const auto found = ground_.cache.find(key(typical_), graph_.size())) return found->seconds;
  return ground_.cpu.has_amx_bf16 ? by_rates(typical_).seconds : measure(typical_, most_measuring).chosen.seconds;
}

}  // namespace ganvas::engine
