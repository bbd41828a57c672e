// The translators' own instance norm and reflection padding against LibTorch's, forward and backward.
#include "nn/translator_kernels.hpp"

#include <torch/torch.h>

#include "nn/sweep.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::relative_error;
using torch::Tensor;

namespace {

struct Both {
  Tensor result, slope;
};

template <typename Function>
Both both(const Tensor& x, Function function) {
  const Tensor leaf = x.clone().requires_grad_();
  const Tensor result = function(leaf);
  torch::manual_seed(11);
  const Tensor weights = torch::randn(result.sizes());
  (result.to(torch::kFloat) * weights).sum().backward();
  return {result.detach(), leaf.grad()};
}

Tensor picture_of(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  torch::manual_seed(n * 1000 + c * 100 + h * 10 + w);
  return torch::randn({n, c, h, w}) * 2 + 30 * torch::rand({n, c, 1, 1});
}

}  // namespace

TEST_CASE("translator kernels: instance norm as LibTorch computes it in doubles") {
  for (const auto& [n, c, h, w] : {std::array{1, 1, 2, 3}, {2, 7, 5, 9}, {1, 16, 31, 17}, {3, 8, 1, 40}})
    for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
      CAPTURE(c);
      CAPTURE(h);
      const Tensor x = picture_of(n, c, h, w);
      const Both own = both(x.contiguous(format), [](const Tensor& t) { return instance_norm_channels_last(t, 1e-5); });
      const Both reference = both(x, [](const Tensor& t) {
        return torch::instance_norm(t.to(torch::kDouble), {}, {}, {}, {}, true, 0.1, 1e-5, false);
      });
      CHECK(relative_error(own.result, reference.result) <= 1e-4);
      CHECK(relative_error(own.slope, reference.slope) <= 1e-3);
      const Both half = both(x.to(torch::kBFloat16).contiguous(format),
                             [](const Tensor& t) { return instance_norm_channels_last(t, 1e-5); });
      CHECK((half.result.scalar_type() == torch::kBFloat16));
      const Tensor expected =
          torch::instance_norm(x.to(torch::kBFloat16).to(torch::kFloat), {}, {}, {}, {}, true, 0.1, 1e-5, false);
      CHECK(relative_error(half.result, expected) <= 0.01);
    }
}

TEST_CASE("translator kernels: reflection padding as LibTorch computes it") {
  for (const auto& [n, c, h, w] : {std::array{1, 1, 4, 5}, {2, 7, 5, 9}, {1, 16, 31, 17}})
    for (const int border : {1, 3})
      for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
        CAPTURE(c);
        CAPTURE(border);
        const Tensor x = picture_of(n, c, h, w);
        const Both own =
            both(x.contiguous(format), [&](const Tensor& t) { return reflect_pad_channels_last(t, border); });
        const Both reference = both(x, [&](const Tensor& t) {
          return torch::reflection_pad2d(t, {border, border, border, border});
        });
        CHECK(torch::equal(own.result, reference.result));
        CHECK(relative_error(own.slope, reference.slope) <= 1e-5);
      }
}

TEST_CASE("translator kernels: one thread and two give equal bits") {
  const Tensor x = picture_of(1, 8, 61, 43);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Both one = both(x, [](const Tensor& t) { return instance_norm_channels_last(t, 1e-5); });
  at::set_num_threads(2);
  const Both two = both(x, [](const Tensor& t) { return instance_norm_channels_last(t, 1e-5); });
  at::set_num_threads(before);
  CHECK(torch::equal(one.result, two.result));
  CHECK(torch::equal(one.slope, two.slope));
}
