#include "engine/plan/plan_writer.hpp"

#include "engine/kernels/kernels.hpp"

namespace ganvas::engine {

namespace {

template <typename... Each>
struct Cases : Each... {
  using Each::operator()...;
};

Kernel converting() {
  return [](std::span<const View> in, const View& out) { convert(in[0], out); };
}

}  // namespace

PlanWriter::PlanWriter(Plan& plan, const Graph& graph, const ValueLayouts& layouts, Numbers numbers,
                       PackedWeights& weights)
    : plan_(plan),
      graph_(graph),
      layouts_(layouts),
      half_(numbers.features == Element::bf16),
      int8_(numbers.int8),
      weights_(weights),
      block_(layouts.block()),
      places_(graph.size()),
      last_use_(graph.size()) {
  for (const NodeId id : graph.ids())
    for (const NodeId from : graph[id].inputs) last_use_[from] = id;
}

void PlanWriter::write() {
  place_concats();
  for (const NodeId id : graph_.ids()) write(id);
}

void PlanWriter::write(NodeId id) {
  std::visit(
      Cases{[&](const Input&) {
              View picture = layouts_[id];
              picture.block = picture.channels;
              places_[id] = {picture, Plan::input_picture, 0};
            },
            [&](const Concat&) { write_concat(id); }, [&](const AnyConvolution& conv) { write_convolution(id, conv); },
            [&](const KernelOperator& op) { write_kernel(id, op); }},
      graph_[id].op);
}

void PlanWriter::write_kernel(NodeId id, const KernelOperator& op) {
  std::vector<Place> from;
  for (const NodeId input : graph_[id].inputs)
    from.push_back(op.takes_any_layout() ? places_[input] : laid(input, layouts_.is_together(id)));
  const bool direct = is_output(id) && op.takes_any_layout();
  Place& to = places_[id];
  if (to.buffer < 0) to = direct ? output_place() : new_place(layouts_[id]);
  step(std::move(from), to, op.kernel());
  if (is_output(id) && !direct) deliver();
}

PlanWriter::Place PlanWriter::new_place(const View& view) {
  plan_.buffers_.push_back({bytes_of(view)});
  return {view, static_cast<int>(plan_.buffers_.size()) - 1, 0};
}

void PlanWriter::step(std::vector<Place> from, const Place& to, Kernel run) {
  const int number = static_cast<int>(plan_.steps_.size());
  for (const Place& place : from) touch(place, number);
  touch(to, number);
  plan_.steps_.push_back({std::move(from), to, std::move(run)});
}

void PlanWriter::touch(const Place& place, int step) {
  if (place.buffer < 0) return;
  auto& buffer = plan_.buffers_[static_cast<std::size_t>(place.buffer)];
  if (buffer.first < 0) buffer.first = step;
  buffer.last = step;
}

PlanWriter::Place PlanWriter::output_place() const {
  View picture = layouts_[graph_.output()];
  picture.block = picture.channels;
  return {picture, Plan::output_picture, 0};
}

void PlanWriter::deliver() { step({places_[graph_.output()]}, output_place(), converting()); }

PlanWriter::Place PlanWriter::laid(NodeId id, bool together) {
  const View wanted = layouts_.laid(id, together);
  if (places_[id].buffer >= 0 && layouts_[id].block == wanted.block) return places_[id];
  return copy_of(id, wanted, converting());
}

PlanWriter::Place PlanWriter::copy_of(NodeId id, const View& layout, Kernel make) {
  for (const auto& [value, copy] : copies_)
    if (value == id && copy.view.element == layout.element && copy.view.block == layout.block) return copy;
  const Place to = new_place(layout);
  step({places_[id]}, to, std::move(make));
  copies_.emplace_back(id, to);
  return to;
}

}  // namespace ganvas::engine
