// Linear style transfer (Li et al. 2019): features of a VGG are compressed, multiplied by a matrix that two small
// networks learn from the styles' and the content's covariances, and unzipped again. Published as three files: vgg_r31,
// dec_r31 and r31, or r41 with one block more.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/style_network.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/vgg_style_blocks.hpp"

namespace ganvas::lst_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// The network that turns features into a matrix: three convolutions, their products, a linear layer.
class MatrixImpl : public nn::Module {
 public:
  /// widths: of the features and of the three convolutions.
  explicit MatrixImpl(const std::vector<int>& widths) : side_(widths[3]) {
    for (std::size_t i = 0; i < 3; ++i) {
      convs->push_back(make_conv(widths[i], widths[i + 1]));
      if (i < 2) convs->push_back(nn::ReLU());
    }
    WeightBudget::spend(static_cast<std::int64_t>(side_) * side_ * side_ * side_);
    fc = nn::Linear(side_ * side_, side_ * side_);
    register_module("convs", convs);
    register_module("fc", fc);
  }
  Tensor features(const Tensor& x) { return convs->forward(x); }
  Tensor matrix(const Tensor& products) {
    return fc->forward(products.to(fc->weight.scalar_type()).flatten(1)).view({-1, side_, side_});
  }

  nn::Sequential convs;
  nn::Linear fc{nullptr};

 private:
  int side_;
};
TORCH_MODULE(Matrix);

class LinearTransfer final : public StyleNetwork {
 public:
  explicit LinearTransfer(const nlohmann::json& config)
      : widths_(numbers(config, "widths", {64, 128, 256})), inner_(numbers(config, "matrix_widths", {128, 64, 32})) {
    check_keys(config, {"widths", "matrix_widths"});
    if (widths_.size() < 3 || widths_.size() > 4)
      fail(ErrorKind::recipe, "widths: 3 (r31) or 4 (r41) are wanted, not {}", widths_.size());
    if (inner_.size() != 3) fail(ErrorKind::recipe, "matrix_widths: 3 are wanted, not {}", inner_.size());
    encoder_ = vgg_encoder_convs(widths_);
    decoder_ = vgg_decoder_convs(widths_);
    // The published names count through both.
    const auto vgg = std::make_shared<nn::Module>("vgg"), decoder = std::make_shared<nn::Module>("decoder");
    int number = 0;
    for (auto& conv : encoder_) vgg->register_module(fmt::format("conv{}", ++number), conv);
    for (auto& conv : decoder_) decoder->register_module(fmt::format("conv{}", ++number), conv);
    register_module("vgg", vgg);
    register_module("decoder", decoder);
    std::vector<int> widths{widths_.back()};
    widths.insert(widths.end(), inner_.begin(), inner_.end());
    const auto transfer = std::make_shared<nn::Module>("transfer");
    snet_ = transfer->register_module("snet", Matrix(widths));
    cnet_ = transfer->register_module("cnet", Matrix(widths));
    compress_ = transfer->register_module("compress", make_conv(widths_.back(), inner_.back(), 1));
    unzip_ = transfer->register_module("unzip", make_conv(inner_.back(), widths_.back(), 1));
    register_module("transfer", transfer);
  }

  StyleNetworkInfo info() const override {
    // First the features lose their mean; then the matrix follows from what is left.
    return {.cell = 1 << (widths_.size() - 1),
            .channels = widths_.back(),
            .encode_reach = vgg_encode_reach(widths_.size()),
            .decode_reach = vgg_decode_reach(widths_.size()),
            .steps = {{}, {.observes = Observation::products, .observed_reach = 3}},
            .live_values = 3 * widths_[0]};
  }
  StyleCode encode_style(const Tensor& pictures, const Tensor& weights) override {
    const Tensor x = encode(pictures);
    const StyleStatistics own = observe(x, Observation::moments, weights);
    const auto products = observe(snet_->features(x - own.mean), Observation::products, weights).products;
    return {{"mean", own.mean}, {"matrix", snet_->matrix(products)}};
  }
  Tensor encode(const Tensor& pictures) override { return vgg_encoded(encoder_, widths_, pictures); }
  Tensor observed(int step, const Tensor& x) override { return step == 0 ? x : cnet_->features(x); }
  Tensor apply(int step, const Tensor& x, const StyleStatistics& own, const StyleCode& code) override {
    if (step == 0) return x - own.mean.to(x.scalar_type());
    const Tensor matrix = torch::matmul(code.at("matrix"), cnet_->matrix(own.products));
    const Tensor small = compress_->forward(x);
    const Tensor changed = torch::matmul(matrix, small.flatten(2)).view(small.sizes());
    return unzip_->forward(changed) + code.at("mean");
  }
  Tensor decode(const Tensor& features) override { return vgg_decoded(decoder_, widths_, features); }
  std::string architecture() const override { return "lst"; }
  nlohmann::json config() const override { return {{"widths", widths_}, {"matrix_widths", inner_}}; }

 private:
  std::vector<int> widths_, inner_;
  std::vector<nn::Conv2d> encoder_, decoder_;
  Matrix snet_{nullptr}, cnet_{nullptr};
  nn::Conv2d compress_{nullptr}, unzip_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  const bool vgg = weights.contains("vgg.conv6.weight"), transfer = weights.contains("transfer.snet.fc.weight");
  const bool decoder = weights.contains("decoder.conv11.weight");
  if (!vgg && !transfer && !decoder) return std::nullopt;
  for (const auto& [there, what] : {std::pair{vgg, "encoder (vgg_r31.pth or vgg_r41.pth)"},
                                    {decoder, "decoder (dec_r31.pth or dec_r41.pth)"},
                                    {transfer, "matrix (r31.pth or r41.pth)"}})
    if (!there) fail(ErrorKind::model, "its {} is missing: give all three files", what);
  const bool deep = weights.contains("vgg.conv10.weight");
  std::vector<std::int64_t> widths, inner;
  for (const int conv : {2, 4, 6}) widths.push_back(conv_weight(weights, fmt::format("vgg.conv{}", conv)).size(0));
  if (deep) widths.push_back(conv_weight(weights, "vgg.conv10").size(0));
  for (const int conv : {0, 2, 4})
    inner.push_back(conv_weight(weights, fmt::format("transfer.snet.convs.{}", conv)).size(0));
  const auto given = conv_weight(weights, fmt::format("decoder.conv{}", deep ? 11 : 7)).size(1);
  if (given != widths.back())
    fail(ErrorKind::model, "its decoder takes {} channels and its encoder gives {}", given, widths.back());
  return Detected{{{"widths", widths}, {"matrix_widths", inner}}, weights, "LinearStyleTransfer"};
}

std::string part_of(const StateDict& weights, const std::string&) {
  if (weights.contains("snet.fc.weight") && weights.contains("compress.weight")) return "transfer.";
  const Tensor* first = weights.find("conv1.weight");
  if (first && first->dim() == 4 && first->size(2) == 1 && weights.contains("conv6.weight")) return "vgg.";
  return !first && weights.contains("conv11.weight") ? "decoder." : "";
}

}  // namespace

StyleNetworkPlugin plugin() {
  return {.name = "lst",
          .summary = "any style, a learnt linear transform of VGG features (Li et al. 2019)",
          .order = 50,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<LinearTransfer>(config); },
          .examples = {{{"widths", {4, 6, 8}}, {"matrix_widths", {6, 5, 4}}},
                       {{"widths", {4, 6, 8, 10}}, {"matrix_widths", {6, 5, 4}}}},
          .part_of = part_of};
}

}  // namespace ganvas::lst_plugin
