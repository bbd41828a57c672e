// Inception-v3 as the Frechet inception distance is published with it: the network of TensorFlow's 2015-12-05 release
// (Szegedy et al. 2016) under torchvision's keys. From torchvision's own it differs in its weights and its pools: means
// don't count the padding, and the last block takes a maximum. Its classifier (of 1008 classes) is passed over.
// Layers: Conv2d_1a_3x3, Conv2d_2a_3x3, Conv2d_2b_3x3, pool1 (= "64"), Conv2d_3b_1x1, Conv2d_4a_3x3, pool2 (= "192"),
// Mixed_5b ... Mixed_6e (= "768") ... Mixed_7c (= "2048"), of which FID takes the mean over the picture. The aliases
// are the numbers of features by which these layers are known.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/feature_blocks.hpp"
#include "nn/inception_plan.hpp"

namespace ganvas::inception_plugin {

namespace {

namespace nn = torch::nn;
using inception::Branch;
using inception::ConvPlan;
using inception::Pool;

/// What a batch norm came to: fixed numbers a channel. (LibTorch's own has a counter that the file may lack.)
class FrozenNormImpl : public nn::Module {
 public:
  explicit FrozenNormImpl(int channels)
      : weight(register_parameter("weight", torch::ones(channels))),
        bias(register_parameter("bias", torch::zeros(channels))),
        mean(register_buffer("running_mean", torch::zeros(channels))),
        variance(register_buffer("running_var", torch::ones(channels))) {}
  torch::Tensor factor() const { return weight / (variance + 1e-3).sqrt(); }  // TensorFlow's epsilon
  torch::Tensor shift() const { return bias - mean * factor(); }
  torch::Tensor weight, bias, mean, variance;
};
TORCH_MODULE(FrozenNorm);

/// Convolution, norm, ReLU.
class NormedConvImpl : public nn::Module {
 public:
  NormedConvImpl(const ConvPlan& plan, int in, int out) : first_(in == 3) {
    WeightBudget::spend(std::int64_t{in} * out * plan.height * plan.width + std::int64_t{4} * out);
    conv_ = register_module(
        "conv", nn::Conv2d(nn::Conv2dOptions(in, out, {plan.height, plan.width})
                               .stride(plan.stride)
                               .padding({plan.padded ? plan.height / 2 : 0, plan.padded ? plan.width / 2 : 0})
                               .bias(false)));
    norm_ = register_module("bn", FrozenNorm(out));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor factor = norm_->factor().view({-1, 1, 1, 1}), shift = norm_->shift();
    if (first_) {
      const torch::Tensor y = first_conv(conv_, x);
      return relu_of((y * factor.view({1, -1, 1, 1}) + shift.view({1, -1, 1, 1})).to(y.scalar_type()));
    }
    // The norm goes into the weights, so that no further pass over the picture is needed.
    const auto& options = conv_->options;
    return relu_of(torch::conv2d(x, conv_->weight * factor, shift, options.stride(),
                                 variant_get<torch::ExpandingArray<2>>(options.padding())));
  }

 private:
  bool first_;
  nn::Conv2d conv_{nullptr};
  FrozenNorm norm_{nullptr};
};
TORCH_MODULE(NormedConv);

torch::Tensor pooled(const torch::Tensor& x, Pool pool) {
  switch (pool) {
    case Pool::none:
      return x;
    case Pool::mean:
      return torch::avg_pool2d(x, {3, 3}, {1, 1}, {1, 1}, /*ceil_mode=*/false, /*count_include_pad=*/false);
    case Pool::max:
      return torch::max_pool2d(x, {3, 3}, {1, 1}, {1, 1});
    case Pool::shrink:
      return torch::max_pool2d(x, {3, 3}, {2, 2});
  }
  fail(ErrorKind::internal, "unknown pool");
}

/// Branches side by side, their outputs one behind the other.
class MixedImpl : public nn::Module {
 public:
  MixedImpl(const std::vector<Branch>& plan, int in, int width) {
    for (const Branch& branch : plan) {
      Built built{branch.pool, {}, {}};
      int channels = in;
      for (const ConvPlan& conv : branch.chain) {
        built.chain.push_back(add(conv, channels, width));
        channels = conv.channels(width);
      }
      for (const ConvPlan& conv : branch.fork) built.fork.push_back(add(conv, channels, width));
      branches_.push_back(std::move(built));
      out_ += branch.channels(in, width);
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    std::vector<torch::Tensor> outputs;
    for (auto& branch : branches_) {
      torch::Tensor y = pooled(x, branch.pool);
      for (auto& conv : branch.chain) y = conv->forward(y);
      for (auto& conv : branch.fork) outputs.push_back(conv->forward(y));
      if (branch.fork.empty()) outputs.push_back(y);
    }
    return torch::cat(outputs, 1);
  }

  int out() const { return out_; }

 private:
  struct Built {
    Pool pool;
    std::vector<NormedConv> chain, fork;
  };
  NormedConv add(const ConvPlan& plan, int in, int width) {
    return register_module(plan.name, NormedConv(plan, in, plan.channels(width)));
  }
  std::vector<Built> branches_;
  int out_ = 0;
};
TORCH_MODULE(Mixed);

class Inception final : public FeatureNetwork {
 public:
  explicit Inception(const nlohmann::json& config) : width_(positive(config, "width", inception::published_width)) {
    check_keys(config, {"width"});
    if (width_ % 2 != 0) fail(ErrorKind::recipe, "width: {} is odd", width_);
    int channels = 3;
    for (const auto& step : inception::stem()) channels = add_stem(step, channels);
    for (const auto& block : inception::blocks()) {
      Mixed mixed = register_module(block.name, Mixed(block.branches, channels, width_));
      channels = mixed->out();
      add_layer({block.name, channels, [mixed](const torch::Tensor& x, bool) mutable { return mixed->forward(x); },
                 block.shrinks() ? 3 : 1});
    }
    add_alias("64", "pool1");
    add_alias("192", "pool2");
    add_alias("768", "Mixed_6e");
    add_alias("2048", "Mixed_7c");
  }

  std::string architecture() const override { return "inception-fid"; }
  nlohmann::json config() const override { return {{"width", width_}}; }
  int picture_side() const override { return 299; }

 protected:
  torch::Tensor normalised(const torch::Tensor& images) const override { return images * 2 - 1; }

 private:
  int add_stem(const ConvPlan& plan, int in) {
    if (plan.out == 0) {
      add_layer({plan.name, in, [](const torch::Tensor& x, bool) { return pooled(x, Pool::shrink); }, 3});
      return in;
    }
    NormedConv conv = register_module(plan.name, NormedConv(plan, in, plan.channels(width_)));
    add_layer({plan.name, plan.channels(width_),
               [conv](const torch::Tensor& x, bool) mutable { return conv->forward(x); },
               plan.padded ? 1 : plan.height});
    return plan.channels(width_);
  }

  int width_;
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("Conv2d_1a_3x3.conv.weight") || !weights.has_prefix("Mixed_5b.")) return std::nullopt;
  const torch::Tensor* classifier = weights.find("fc.weight");
  if (weights.has_prefix("AuxLogits.") || (classifier && classifier->size(0) != 1008))
    fail(ErrorKind::model,
         "its classifier is that of torchvision's weights, which were made for other pools; those of the published FID "
         "come by: ganvas model fetch pt_inception-2015-12-05");
  StateDict own;
  for (const auto& [key, tensor] : weights)
    if (!key.starts_with("fc.") && !key.ends_with(".num_batches_tracked")) own.set(key, tensor);
  return Detected{{{"width", conv_weight(weights, "Conv2d_1a_3x3.conv").size(0)}}, own, "pytorch-fid"};
}

}  // namespace

FeaturePlugin plugin() {
  return {.name = "inception-fid",
          .summary = "Inception-v3 of the Frechet inception distance (Szegedy et al. 2016, Heusel et al. 2017)",
          .order = 5,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Inception>(config); },
          .examples = {{{"width", 4}}}};
}

}  // namespace ganvas::inception_plugin
