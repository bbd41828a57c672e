// pix2pixHD's discriminator (Wang et al. 2018, section 3.2): the same PatchGAN on the picture, on its half, ... each
// with weights of its own, so that one sees the whole and another the detail.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/config.hpp"

namespace ganvas::multi_scale_plugin {

namespace {

using torch::Tensor;

Tensor halved(const Tensor& x) {
  return torch::avg_pool2d(x, 3, 2, 1, /*ceil_mode=*/false, /*count_include_pad=*/false);
}

class MultiScale final : public Discriminator {
 public:
  MultiScale(const nlohmann::json& config, int size) : scales_(positive(config, "scales", 2)) {
    if (scales_ > 6) fail(ErrorKind::recipe, "scales {}: expected 1 to 6", scales_);
    nlohmann::json inner = config;
    inner.erase("scales");
    for (int i = 0; i < scales_; ++i, size /= 2)
      networks_.push_back(register_module(fmt::format("scale{}", i), make_discriminator("patch", inner, size)));
  }

  /// The logits of all scales in one row a picture.
  Tensor forward(const Tensor& pictures) override {
    std::vector<Tensor> logits;
    on_each_scale(pictures,
                  [&](Discriminator& judge, const Tensor& x) { logits.push_back(judge.forward(x).flatten(1)); });
    return torch::cat(logits, 1);
  }
  std::vector<Tensor> features(const Tensor& pictures) override {
    std::vector<Tensor> found;
    on_each_scale(pictures, [&](Discriminator& judge, const Tensor& x) {
      for (Tensor& feature : judge.features(x)) found.push_back(std::move(feature));
    });
    return found;
  }
  std::string architecture() const override { return "multi-scale"; }
  nlohmann::json config() const override {
    nlohmann::json config = networks_.front()->config();
    config["scales"] = scales_;
    return config;
  }

 private:
  template <typename Work>
  void on_each_scale(Tensor x, Work work) {
    for (std::size_t i = 0; i < networks_.size(); ++i) {
      if (i > 0) x = halved(x);
      work(*networks_[i], x);
    }
  }

  int scales_;
  std::vector<DiscriminatorPtr> networks_;
};

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "multi-scale",
          .summary = "PatchGANs on the picture, its half, ... (pix2pixHD, Wang et al. 2018)",
          .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
            return std::make_shared<MultiScale>(config, size);
          },
          .examples = {{{"width", 4}, {"layers", 1}},
                       {{"width", 4}, {"layers", 1}, {"scales", 3}, {"norm", "instance"}, {"spectral", true}}}};
}

}  // namespace ganvas::multi_scale_plugin
