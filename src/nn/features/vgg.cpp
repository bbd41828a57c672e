// VGG-16 and VGG-19 (Simonyan and Zisserman 2015) under torchvision's keys, whole or cut off behind any convolution.
// Layers: conv1_1 (before the ReLU), relu1_1 (after it), conv1_2, relu1_2, pool1, conv2_1 ... pool5.
#include <torch/torch.h>

#include <array>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/feature_blocks.hpp"

namespace ganvas::vgg_plugin {

namespace {

namespace nn = torch::nn;

/// Where a convolution stands: block and place in it, from 1, and torchvision's index in `features`.
struct Place {
  int block, place, index;
  bool ends_block;
};

std::vector<Place> places_of(int depth) {
  const int later = depth == 19 ? 4 : 3;
  const std::array<int, 5> counts{2, 2, later, later, later};
  std::vector<Place> places;
  int index = 0;
  for (int block = 1; block <= 5; ++block) {
    for (int place = 1; place <= counts[static_cast<std::size_t>(block - 1)]; ++place, index += 2)
      places.push_back({block, place, index, place == counts[static_cast<std::size_t>(block - 1)]});
    ++index;  // the pool
  }
  return places;
}

class Vgg final : public FeatureNetwork {
 public:
  explicit Vgg(const nlohmann::json& config)
      : depth_(positive(config, "depth", 19)), width_(positive(config, "width", 64)), norm_(input_norm(config)) {
    check_keys(config, {"depth", "convs", "width", "input", "padding"});
    if (depth_ != 16 && depth_ != 19) fail(ErrorKind::recipe, "depth: there is VGG-16 and VGG-19, not {}", depth_);
    const auto places = places_of(depth_);
    const auto all = static_cast<int>(places.size());
    convs_ = std::min(positive(config, "convs", all), all);
    const std::string padding = config.value("padding", "zero");
    if (padding != "zero" && padding != "reflect")
      fail(ErrorKind::recipe, "padding: '{}' is neither zero nor reflect", padding);
    reflect_ = padding == "reflect";
    int in = 3;
    for (int i = 0; i < convs_; ++i) in = add_conv(places[static_cast<std::size_t>(i)], in, i + 1 < convs_);
    register_module("features", features_);
  }

  std::string architecture() const override { return "vgg"; }
  nlohmann::json config() const override {
    return {{"depth", depth_},
            {"convs", convs_},
            {"width", width_},
            {"input", input_norm_name(norm_)},
            {"padding", reflect_ ? "reflect" : "zero"}};
  }

  std::vector<std::string> lpips_layers() const override {
    if (depth_ != 16 || convs_ < 13) return {};
    return {"relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"};
  }

 protected:
  torch::Tensor normalised(const torch::Tensor& images) const override { return normalise_input(images, norm_); }

 private:
  /// Appends a convolution, its ReLU and, where its block ends, the pool. Of a file that is cut off the pool is left
  /// out: whether the block ended there, nobody knows.
  int add_conv(const Place& at, int in, bool more) {
    const int out = width_ << std::min(at.block - 1, 3);
    nn::Conv2d conv = make_conv(in, out);
    features_->register_module(std::to_string(at.index), conv);
    if (reflect_) conv->options.padding(0);
    const bool first = in == 3 && at.index == 0;
    const bool reflect = reflect_;
    add_layer({fmt::format("conv{}_{}", at.block, at.place), out,
               [conv, first, reflect](const torch::Tensor& x, bool) mutable {
                 const torch::Tensor padded = reflect ? reflect_one(x) : x;
                 return first ? first_conv(conv, padded) : conv->forward(padded);
               }});
    add_layer({fmt::format("relu{}_{}", at.block, at.place), out, relu_step});
    if (at.ends_block && (more || at.block == 5))
      add_layer({fmt::format("pool{}", at.block), out,
                 [](const torch::Tensor& x, bool) {
                   return torch::max_pool2d(x, {2, 2}, {2, 2});
                 },
                 2});
    return out;
  }

  int depth_, convs_ = 0, width_;
  InputNorm norm_;
  bool reflect_ = false;
  std::shared_ptr<nn::Module> features_ = std::make_shared<nn::Module>("features");
};

/// How many of the network's convolutions the file has, without a gap.
int convs_in(const StateDict& weights, int depth) {
  int count = 0;
  for (const Place& at : places_of(depth)) {
    if (!weights.contains(fmt::format("features.{}.weight", at.index))) break;
    ++count;
  }
  return count;
}

std::optional<Detected> detect(const StateDict& weights) {
  const torch::Tensor* first = weights.find("features.0.weight");
  if (!first || first->dim() != 4 || first->size(1) != 3 || first->size(2) != 3 ||
      weights.contains("features.3.squeeze.weight") || weights.contains("features.1.weight"))
    return std::nullopt;
  StateDict own;
  int convolutions = 0;
  for (const auto& [key, tensor] : weights) {
    if (!key.starts_with("features.")) continue;  // the classifier
    own.set(key, tensor);
    convolutions += key.ends_with(".weight");
  }
  // Up to the third convolution of block 3 the two are the same; what is left of either is called VGG-19.
  for (const int depth : {19, 16})
    if (convs_in(own, depth) == convolutions)
      return Detected{{{"depth", depth}, {"convs", convolutions}, {"width", first->size(0)}}, own, "torchvision"};
  fail(ErrorKind::model, "its convolutions stand at neither VGG-16's nor VGG-19's places");
}

}  // namespace

FeaturePlugin plugin() {
  return {.name = "vgg",
          .summary = "VGG-16 and VGG-19, whole or cut off (Simonyan and Zisserman 2015)",
          .order = 20,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Vgg>(config); },
          .examples = {{{"depth", 19}, {"width", 4}},
                       {{"depth", 16}, {"width", 4}, {"input", "plain"}},
                       {{"depth", 19}, {"width", 8}, {"convs", 5}, {"padding", "reflect"}}}};
}

}  // namespace ganvas::vgg_plugin
