#include "engine/regions/store.hpp"

#include <sys/mman.h>
#include <torch/torch.h>

#include <new>

namespace ganvas::engine {

namespace {

using torch::Tensor;

/// A part in memory of its own, which goes back to the system as soon as the part goes: freed blocks in the
/// allocator's hands would lie idle beside the tiles, which have other sizes.
Tensor part_in_own_memory(int channels, const Region& region, torch::ScalarType type) {
  const std::int64_t count = region.area() * channels;
  const std::size_t bytes = static_cast<std::size_t>(count) * torch::elementSize(type);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  const Tensor pixels = torch::from_blob(
      memory, {1, region.rows.size(), region.columns.size(), channels}, [bytes](void* data) { ::munmap(data, bytes); },
      torch::TensorOptions().dtype(type));
  return pixels.permute({0, 3, 1, 2});
}

Tensor part_of(const Tensor& x, const Region& there, const Region& wanted) {
  return x.narrow(2, wanted.rows.first - there.rows.first, wanted.rows.size())
      .narrow(3, wanted.columns.first - there.columns.first, wanted.columns.size());
}

/// fp16 has three bits more than bf16, but ends at 65504.
torch::ScalarType half_type_for(const Tensor& values) {
  const auto [low, high] = torch::aminmax(values);
  const bool fits = low.item<float>() >= -65504 && high.item<float>() <= 65504;
  return fits ? torch::kHalf : torch::kBFloat16;
}

}  // namespace

KeptValue::KeptValue(int channels, bool half, KeptBytes& bytes) : channels_(channels), half_(half), bytes_(bytes) {}

KeptValue::~KeptValue() {
  for (const Part& part : parts_) bytes_.remove(bytes_of(part.region));
}

std::uint64_t KeptValue::bytes_of(const Region& region) const {
  return static_cast<std::uint64_t>(region.area()) * static_cast<std::uint64_t>(channels_) * (half_ ? 2 : 4);
}

void KeptValue::write(const Region& region, const Tensor& values) {
  if (region.empty()) return;
  const Tensor kept = part_in_own_memory(channels_, region, half_ ? half_type_for(values) : torch::kFloat);
  kept.copy_(values);
  parts_.push_back({region, kept});
  bytes_.add(bytes_of(region));
}

Tensor KeptValue::read(const Region& region) const {
  const Tensor result = torch::empty({1, channels_, region.rows.size(), region.columns.size()},
                                     torch::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
  for (const Part& part : parts_) {
    const Region shared = common(part.region, region);
    if (!shared.empty()) part_of(result, region, shared).copy_(part_of(part.values, part.region, shared));
  }
  return result;
}

void KeptValue::forget_above(int row) {
  parts_.remove_if([&](const Part& part) {
    if (part.region.rows.end > row) return false;
    bytes_.remove(bytes_of(part.region));
    return true;
  });
}

}  // namespace ganvas::engine
