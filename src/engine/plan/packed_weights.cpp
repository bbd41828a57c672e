#include "engine/plan/packed_weights.hpp"

#include <torch/torch.h>

namespace ganvas::engine {

using dnnl::memory;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& stream() {
  static dnnl::stream stream(cpu());
  return stream;
}

memory PackedWeights::get(WeightKey key, const torch::Tensor& weight, const memory::dims& dims,
                          memory::format_tag given, const memory::desc& wanted) {
  for (const auto& entry : entries_)
    if (entry.key == key && entry.memory.get_desc() == wanted) return entry.memory;
  const torch::Tensor flat = weight.contiguous();
  memory plain({dims, memory::data_type::f32, given}, cpu(), flat.data_ptr<float>());
  memory packed(wanted, cpu());
  dnnl::reorder(plain, packed).execute(stream(), plain, packed);
  stream().wait();
  entries_.push_back({key, packed});
  return packed;
}

}  // namespace ganvas::engine
