#include "engine/plan/packed_weights.hpp"

#include <torch/torch.h>

#include "ganvas/core/isa.hpp"

namespace ganvas::engine {

using dnnl::memory;

namespace {

/// Before oneDNN is first used, by LibTorch or by us: it asks once.
[[maybe_unused]] const bool capped = [] {
  const auto cap = [](dnnl::cpu_isa isa) { return dnnl::set_max_cpu_isa(isa) == dnnl::status::success; };
  switch (isa_cap()) {
    case Isa::none:
      return cap(dnnl::cpu_isa::sse41);
    case Isa::avx2:
      return cap(dnnl::cpu_isa::avx2);
    case Isa::avx512:
      return cap(dnnl::cpu_isa::avx512_core);
    case Isa::avx512_vnni:
      return cap(dnnl::cpu_isa::avx512_core_vnni);
    case Isa::avx512_bf16:
      return cap(dnnl::cpu_isa::avx512_core_bf16);
    case Isa::all:
      break;
  }
  return true;
}();

}  // namespace

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
