// Means and variances from parts.
#include <doctest/doctest.h>
#include <torch/torch.h>

#include "engine/regions/moments.hpp"

using ganvas::engine::ChannelMoments;
using torch::Tensor;

TEST_CASE("moments: parts of any size give the variance of the whole, small beside a large mean") {
  torch::manual_seed(4);
  // A sum of squares in fp32 would give nothing but noise here.
  const Tensor offsets = torch::tensor({0.0F, 1000.0F, -3000.0F, 0.01F}).view({1, 4, 1, 1});
  const Tensor values = torch::randn({1, 4, 61, 47}) * 0.25 + offsets;
  ChannelMoments moments(4);
  for (const auto& [top, height] : {std::pair{0, 1}, {1, 30}, {31, 30}}) {
    moments.add(values.narrow(2, top, height).narrow(3, 0, 20));
    moments.add(values.narrow(2, top, height).narrow(3, 20, 27));
  }
  const Tensor exact = values.to(torch::kDouble);
  const Tensor mean = exact.mean({0, 2, 3}), variance = exact.var(std::vector<std::int64_t>{0, 2, 3}, false);
  CHECK((moments.mean() - mean).abs().max().item<double>() <= 3000 * 1e-7);
  CHECK(((moments.variance() - variance) / variance).abs().max().item<double>() <= 1e-6);
}

TEST_CASE("moments: one pixel has no variance") {
  ChannelMoments moments(2);
  moments.add(torch::full({1, 2, 1, 1}, 3.5));
  CHECK(moments.mean().eq(3.5).all().item<bool>());
  CHECK(moments.variance().eq(0).all().item<bool>());
}
