#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "ganvas/imaging/image.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/style_network.hpp"

namespace ganvas {

/// A style as it was given: by a picture, or by what a network keeps of one.
struct Style {
  Image picture{};    ///< any channels and depth; transparent parts don't count
  StyleCode code{};   ///< where there is no picture
  double weight = 1;  ///< of several: its share; with masks, where these overlap
  Image mask{};       ///< gray; where it goes; empty: everywhere
};

/// A way to a stylised picture without a style network: content (1 x 3 x H x W, RGB in [0, 1]), styles of any size with
/// shares that add up to 1 -> the content's size. `progress` gets the finished share.
using StyleSearch = std::function<torch::Tensor(const torch::Tensor& content,
                                                const std::vector<std::pair<torch::Tensor, double>>& styles,
                                                const std::function<void(double)>& progress)>;

/// Gives pictures the style of others, or a network's one. Not for several threads at once; frames of a film come in
/// their order.
class Stylizer {
 public:
  Stylizer(StyleNetworkPtr network, const StylizeOptions& options);
  /// A network that has learnt one style (of scale 1). Throws Error(usage) for options about statistics or pictures of
  /// styles, which it doesn't take, and Error(model) as Translator does.
  Stylizer(LoadedGenerator network, const StylizeOptions& options);
  /// By a search a picture, at the work size; what statistics and masks of regions do, it can't. Throws Error(usage)
  /// for options about these.
  Stylizer(StyleSearch search, const StylizeOptions& options);
  ~Stylizer();
  Stylizer(Stylizer&&) noexcept;

  bool takes_styles() const;
  /// A picture, or a file that save_style() wrote for this network. Throws Error(file) or Error(model).
  Style read_style(const std::filesystem::path& path) const;
  /// The styles of the following pictures. Throws Error(usage) where there are none or too many, for weights below 0 or
  /// that add up to 0, for masks of some but not all, and where colours shall match but a style has no picture.
  void set_styles(std::vector<Style> styles);
  /// What the network keeps of them together.
  void save_style(const std::filesystem::path& path);

  /// Any size, channels and depth; the result has the picture's size, depth and transparency, and three colour channels
  /// (of gray pictures one with KeepColour::luma and at strength 0, which gives the picture itself). Statistics are
  /// those of the whole picture without its transparent parts, whatever is computed in tiles. Masks are stretched over
  /// the picture. `progress` gets the finished share, 0..1. Throws Error(data) for a mask of another shape,
  /// Error(model) for a network that gives NaN, Error(interrupted).
  Image stylize(const Image& image, const std::function<void(double)>& progress = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ganvas
