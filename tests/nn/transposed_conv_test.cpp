// Transposed convolutions by the gradient's code against LibTorch's own, forward, backward and twice.
#include "nn/transposed_conv.hpp"

#include <torch/torch.h>

#include "support/relative_error.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::relative_error;
using torch::Tensor;

namespace {

struct Slopes {
  Tensor result, x, weight, bias, twice;
};

/// Result, slopes, and the slope of the slope's length, as gradient penalties take it.
Slopes slopes_of(torch::nn::ConvTranspose2dImpl& layer, const Tensor& input, bool own) {
  layer.zero_grad();
  const Tensor x = input.clone().requires_grad_();
  const Tensor result = own ? transposed_conv(layer, x) : layer.forward(x);
  torch::manual_seed(3);
  const Tensor loss = (result * torch::randn(result.sizes())).square().sum();
  const Tensor slope = torch::autograd::grad({loss}, {x}, {}, true, true)[0];
  slope.square().sum().backward();
  const Tensor twice = layer.weight.grad().clone();
  layer.zero_grad();
  const Tensor y = x.detach().clone().requires_grad_();
  const Tensor again = own ? transposed_conv(layer, y) : layer.forward(y);
  torch::manual_seed(3);
  (again * torch::randn(again.sizes())).sum().backward();
  return {result.detach(), y.grad().clone(), layer.weight.grad().clone(),
          layer.bias.defined() ? layer.bias.grad().clone() : Tensor(), twice};
}

}  // namespace

TEST_CASE("transposed convolution: LibTorch's own, its slopes and their slopes, whatever kernel, stride and padding") {
  struct Case {
    int in, out, kernel, stride, padding, extra, groups;
    bool bias;
  };
  for (const Case& c :
       {Case{8, 6, 4, 2, 1, 0, 1, true}, Case{5, 3, 3, 2, 1, 1, 1, false}, Case{16, 16, 4, 1, 0, 0, 1, true},
        Case{8, 8, 4, 2, 3, 0, 1, false}, Case{6, 4, 5, 3, 2, 1, 2, true}})
    for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast})
      for (const auto& [n, h, w] : {std::array{2, 5, 7}, {1, 4, 4}}) {
        CAPTURE(c.in);
        CAPTURE(c.kernel);
        CAPTURE(h);
        torch::manual_seed(c.in + c.kernel);
        torch::nn::ConvTranspose2dImpl layer(torch::nn::ConvTranspose2dOptions(c.in, c.out, c.kernel)
                                                 .stride(c.stride)
                                                 .padding(c.padding)
                                                 .output_padding(c.extra)
                                                 .groups(c.groups)
                                                 .bias(c.bias));
        const Tensor x = torch::randn({n, c.in, h, w}).contiguous(format);
        const Slopes own = slopes_of(layer, x, true), reference = slopes_of(layer, x, false);
        CHECK((own.result.sizes() == reference.result.sizes()));
        CHECK(relative_error(own.result, reference.result) <= 1e-5);
        CHECK(relative_error(own.x, reference.x) <= 1e-5);
        CHECK(relative_error(own.weight, reference.weight) <= 1e-5);
        CHECK(relative_error(own.twice, reference.twice) <= 1e-5);
        if (c.bias) CHECK(relative_error(own.bias, reference.bias) <= 1e-5);
      }
}

TEST_CASE("transposed convolution: bf16 in, bf16 out, as near to fp32 as bf16 is") {
  torch::manual_seed(1);
  TransposedConv layer(torch::nn::ConvTranspose2dOptions(16, 16, 4).stride(2).padding(1));
  const Tensor x = torch::randn({1, 16, 9, 7});
  const Tensor wide = layer->forward(x), narrow = layer->forward(x.to(torch::kBFloat16));
  CHECK((narrow.scalar_type() == torch::kBFloat16));
  CHECK(relative_error(narrow.to(torch::kFloat), wide) <= 2e-2);
}
