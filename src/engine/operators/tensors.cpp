#include "engine/operators/tensors.hpp"

#include <utility>

namespace ganvas::engine {

using at::Tensor;

Tensor cropped(const Tensor& x, const Region& there, const Region& wanted) {
  return x.narrow(2, wanted.rows.first - there.rows.first, wanted.rows.size())
      .narrow(3, wanted.columns.first - there.columns.first, wanted.columns.size());
}

Tensor own(Tensor&& x) {
  const bool alone = x.use_count() == 1 && x.storage().use_count() == 1 && x.is_contiguous(channels_last);
  return alone ? std::move(x) : x.clone(channels_last);
}

Tensor per_channel(const Tensor& values) { return values.view({1, -1, 1, 1}); }

std::vector<float> floats(const Tensor& values) {
  if (!values.defined()) return {};
  const Tensor flat = values.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

Patch patch_of(const Tensor& batch, std::int64_t picture, const Region& there) {
  const Tensor x = batch.select(0, picture);
  View view{x.data_ptr<float>(), static_cast<int>(x.size(0)), there.rows.size(), there.columns.size()};
  view.block = view.channels;
  return {view, there.rows.first, there.columns.first};
}

Tensor weighted_sum(Tensor a, double alpha, Tensor b, double beta) {
  if (alpha != 1) std::swap(a, b), std::swap(alpha, beta);
  Tensor result = own(std::move(a));
  if (alpha != 1) result.mul_(alpha);
  return result.add_(b, beta);
}

}  // namespace ganvas::engine
