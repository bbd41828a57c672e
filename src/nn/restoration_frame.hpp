#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/normalization.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "ganvas/nn/registry.hpp"
#include "nn/paths.hpp"
#include "nn/reach.hpp"

/// What the restoration transformers share, from SwinIR (Liang et al. 2021) on: colours less their mean, a first
/// convolution, a body of tokens in groups, a convolution after it and a residual around both, one of four upsamplers,
/// the mean again.
namespace ganvas {

/// "1conv": a 3x3; "3conv": 3x3 to a quarter of the channels, 1x1, 3x3 back; "none": an identity.
class ResidualEnd {
 public:
  ResidualEnd() = default;
  /// Registers itself with `owner` under `name`. Throws Error(recipe) for another kind.
  ResidualEnd(torch::nn::Module& owner, const std::string& name, const std::string& kind, int channels);
  torch::Tensor forward(const torch::Tensor& picture);
  torch::Tensor forward_tokens(const torch::Tensor& tokens);
  static int radius(const std::string& kind) { return kind == "1conv" ? 1 : kind == "3conv" ? 2 : 0; }

 private:
  torch::nn::Conv2d one_{nullptr};
  torch::nn::Sequential three_{nullptr};
};

/// A group of the body: blocks one after the other, a convolution at the end, a residual around all.
template <typename Block>
class BlockGroup final : public torch::nn::Module {
 public:
  /// Registers make(0), make(1), ... as `path`0, `path`1, ... and the end as "conv".
  template <typename Make>
  BlockGroup(const std::string& path, int count, Make make, const std::string& end, int channels) {
    for (int i = 0; i < count; ++i) blocks_.push_back(register_at(*this, path + std::to_string(i), make(i)));
    end_ = ResidualEnd(*this, "conv", end, channels);
  }
  template <typename Masks>
  torch::Tensor forward(const torch::Tensor& tokens, const Masks& masks) {
    torch::Tensor y = tokens;
    for (auto& block : blocks_) y = block->forward(y, masks);
    return tokens + end_.forward_tokens(y);
  }

 private:
  std::vector<Block> blocks_;
  ResidualEnd end_;
};

class RestorationFrame : public Generator {
 public:
  torch::Tensor forward(const torch::Tensor& input) final;
  GeneratorInfo info() const final;
  nlohmann::json config() const override;
  void soften_pixel_shuffles() override;

 protected:
  /// What a pixel of the result depends on.
  enum class Sight {
    windows,  ///< what its windows reach
    means,    ///< and means over the whole picture
    whole     ///< the whole picture
  };
  struct Style {
    int multiple = 8;                             ///< of the tokens' height and width
    int smallest = 1;                             ///< side of a picture that it can take; smaller ones are padded
    bool flipped = false;                         ///< pads by the flipped picture, edge repeated, not by reflection
    std::string first_norm = "patch_embed.norm";  ///< its name
    Sight sight = Sight::windows;
  };
  /// Options that every network of the frame has: in_channels, out_channels, channels, scale, unshuffle (the input
  /// is enlarged so often by bicubic interpolation and then unshuffled: the resolution stays),
  /// upsampler (pixelshuffle, pixelshuffledirect, nearest+conv or none), features (between body and result),
  /// residual_end (see ResidualEnd), img_range (what 0 .. 1 becomes inside), zero_mean,
  /// patch_norm (a norm before the body).
  RestorationFrame(const nlohmann::json& config, const Style& style);

  /// Refuses keys that neither the frame nor `own` has.
  static void check_options(const nlohmann::json& config, std::initializer_list<const char*> own);
  /// Adds modules to the body: `layers.<i>`.
  template <typename Group>
  Group add_group(Group group) {
    layers_->register_module(std::to_string(groups_++), group);
    return group;
  }
  /// Of a network that shifts no windows: its published files have indices, under `key`, but no masks. It keeps them,
  /// so that its own files are told from those of networks that shift.
  void mark_unshifted(const std::string& key, const torch::Tensor& indices, int window);
  /// Groups one after the other.
  template <typename Group, typename Masks>
  static torch::Tensor through(std::vector<Group>& groups, torch::Tensor tokens, const Masks& masks) {
    for (auto& group : groups) tokens = group->forward(tokens, masks);
    return tokens;
  }
  virtual torch::Tensor body(const torch::Tensor& tokens) = 0;
  /// What the body reads, in tokens, without what comes in by Sight::means; never asked with Sight::whole.
  virtual Reach body_reach(Reach out) const { return out; }
  /// Values alive at once per token in the body.
  virtual int body_values() const = 0;

  int channels() const { return channels_; }
  const std::string& residual_end() const { return residual_end_; }
  int halo() const;

 private:
  torch::Tensor enlarge(torch::Tensor x);
  Reach upsampler_reach(Reach out) const;

  int in_, out_, channels_, scale_, unshuffle_, features_;
  std::string upsampler_, residual_end_;
  double img_range_;
  bool zero_mean_, patch_norm_;
  Style style_;
  int groups_ = 0;
  std::vector<int> steps_;
  torch::nn::Conv2d first_{nullptr}, before_{nullptr}, hr_{nullptr}, last_{nullptr};
  torch::nn::LayerNorm first_norm_{nullptr}, norm_{nullptr};
  std::shared_ptr<torch::nn::Module> layers_;
  ResidualEnd after_body_;
  torch::nn::Sequential upsample_{nullptr};
  std::vector<torch::nn::Conv2d> ups_;
};

/// The frame's options of a state dict that has `conv_first` and `layers.`; throws Error(model).
nlohmann::json read_restoration_frame(const StateDict& weights);

/// Whether windows are shifted in a network whose masks and indices are stored under these keys, and `weights` with the
/// mark of one that doesn't.
bool read_shifted(const StateDict& stored, const std::string& mask, const std::string& index, StateDict& weights);

/// Integers from first up to the first `prefix`i`suffix` that is missing, one a group, read by `read`.
template <typename Read>
std::vector<int> for_each_group(const StateDict& weights, const std::string& probe_suffix, Read read) {
  std::vector<int> values;
  while (weights.contains("layers." + std::to_string(values.size()) + "." + probe_suffix))
    values.push_back(read("layers." + std::to_string(values.size()) + "."));
  return values;
}

}  // namespace ganvas
