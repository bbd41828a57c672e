#include <algorithm>

#include "engine/kernels/kernels.hpp"
#include "engine/plan/plan_writer.hpp"

namespace ganvas::engine {

/// Parts of a concatenation in blocks are computed where the whole needs them. Larger ones choose first: dense blocks
/// concatenate ever more of the same parts. (With all channels of a pixel together every width is a copy: oneDNN takes
/// no strides between pixels.)
void PlanWriter::place_concats() {
  std::vector<NodeId> concats;
  for (const NodeId id : graph_.ids())
    if (as<Concat>(graph_[id])) concats.push_back(id);
  std::ranges::stable_sort(concats, [&](NodeId a, NodeId b) { return layouts_[a].channels > layouts_[b].channels; });
  for (const NodeId id : concats) {
    if (layouts_[id].block == block_ && is_prefix(id)) continue;
    places_[id] = new_place(layouts_[id]);
    if (layouts_[id].block != block_) continue;
    std::size_t skip = 0;
    for (const NodeId part : graph_[id].inputs) {
      const View& view = layouts_[part];
      if (view.channels % block_ != 0 || view.block != block_) break;
      if (part != graph_.input() && places_[part].buffer == -1 && !as<Concat>(graph_[part]) &&
          view.element == layouts_[id].element)
        places_[part] = {view, places_[id].buffer, skip};
      skip += bytes_of(view);
    }
  }
}

/// Whether the parts lie one behind the other already.
bool PlanWriter::is_prefix(NodeId id) {
  const auto& parts = graph_[id].inputs;
  const Place& first = places_[parts[0]];
  if (first.buffer < 0 || layouts_[parts[0]].element != layouts_[id].element) return false;
  std::size_t skip = first.skip;
  for (const NodeId part : parts) {
    const Place& place = places_[part];
    const View& view = layouts_[part];
    if (place.buffer != first.buffer || place.skip != skip || view.channels % block_ != 0 || view.block != block_)
      return false;
    skip += bytes_of(view);
  }
  places_[id] = {layouts_[id], first.buffer, first.skip};
  return true;
}

void PlanWriter::write_concat(NodeId id) {
  const Place to = places_[id];
  std::vector<Place> parts;
  bool complete = true;
  std::size_t skip = to.skip;
  for (const NodeId part : graph_[id].inputs) {
    // Putting together takes any layout; a part in blocks may lie where it belongs already.
    parts.push_back(part == graph_.input() || layouts_.is_together(part) ? places_[part] : laid(part, false));
    const Place& place = parts.back();
    complete &= place.buffer == to.buffer && place.skip == skip && place.view.channels % block_ == 0;
    skip += bytes_of(layouts_[part]);
  }
  if (!complete) step(std::move(parts), to, [](std::span<const View> in, const View& out) { put_together(in, out); });
  if (is_output(id)) deliver();
}

}  // namespace ganvas::engine
