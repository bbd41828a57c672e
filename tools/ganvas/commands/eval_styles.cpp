#include "commands/eval_styles.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "commands/load_stylizer.hpp"
#include "commands/style_eye.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_files.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/loss/style_distance.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

/// In the order in which they are printed.
using StyleFigures = std::vector<std::pair<std::string, double>>;

void add_style_figures(StyleFigures& sum, const StyleFigures& more) {
  if (sum.empty()) sum = more;
  else
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i].second += more[i].second;
}

nlohmann::ordered_json style_json(const StyleFigures& figures) {
  nlohmann::ordered_json line;
  for (const auto& [name, value] : figures)
    line[name] = std::isfinite(value) ? nlohmann::ordered_json(std::round(value * 1e4) / 1e4) : nullptr;
  return line;
}

class StyleEval {
 public:
  explicit StyleEval(const EvalRequest& request)
      : request_(request), network_(load_style_eye(request.feature_network)), stylizer_(make(request)) {
    if (!stylizer_.takes_styles())
      fail(ErrorKind::usage, "eval --style: {} has a style of its own and takes no other", request.model);
  }

  int run() {
    const auto contents = pictures({request_.hr});
    const auto styles = pictures({request_.styles.begin(), request_.styles.end()});
    for (const auto& style : styles) {
      stylizer_.set_styles({stylizer_.read_style(style)});
      const torch::Tensor wanted = tensor_of(read_image(style).image);
      for (const auto& content : contents) one_pair(content, style, wanted);
    }
    for (const auto& content : contents) one_of_its_own(content);
    summary(contents.size() * styles.size(), contents.size());
    return 0;
  }

 private:
  static Stylizer make(const EvalRequest& request) {
    StylizeOptions options;
    options.run = request.upscale.run;
    options.strength = request.strength;
    options.style_size = options.work_size = 0;
    return load_stylizer({fs::is_directory(request.model) ? request.model : find_model(request.model).string()},
                         options, request.trust);
  }
  static std::vector<fs::path> pictures(const std::vector<fs::path>& places) {
    std::vector<fs::path> paths;
    for (const auto& file : readable_pictures(require_pictures(places))) paths.push_back(file.path);
    return paths;
  }
  static torch::Tensor tensor_of(const Image& image) { return tensor_from_image(with_channels(image, 3).pixels); }

  void one_pair(const fs::path& content_file, const fs::path& style_file, const torch::Tensor& style) {
    throw_if_interrupted();
    const Image picture = read_image(content_file).image;
    const torch::Tensor content = tensor_of(picture), result = tensor_of(stylizer_.stylize(picture));
    const StyleDistance distance = style_distance(*network_, result, content, style);
    StyleFigures figures;
    for (std::size_t i = 0; i < distance.gram.size(); ++i)
      figures.emplace_back("gram_" + style_distance_layers()[i].substr(4), distance.gram[i]);
    figures.emplace_back("meanstd", distance.moments);
    figures.emplace_back("content", distance.content);
    figures.emplace_back("cnorm", distance.normalised);
    print(content_file.filename().string(), style_file.filename().string(), figures);
    // Squares, which add up.
    for (const int period : {2, 4})
      figures.emplace_back(fmt::format("grid_{}", period), sub_pixel_grid(result, period).item<double>());
    for (const int period : {2, 4})
      figures.emplace_back(fmt::format("grid_{}_before", period), sub_pixel_grid(content, period).item<double>());
    add_style_figures(sum_, figures);
  }

  /// A picture that is its own style should come out as it was.
  void one_of_its_own(const fs::path& file) {
    throw_if_interrupted();
    stylizer_.set_styles({stylizer_.read_style(file)});
    const Image picture = read_image(file).image;
    const torch::Tensor content = tensor_of(picture);
    const double error = pixel_loss("l2", tensor_of(stylizer_.stylize(picture)), content).item<double>();
    own_psnr_ += -10 * std::log10(std::max(error, 1e-10));
  }

  void print(const std::string& content, const std::string& style, const StyleFigures& figures) {
    if (request_.json) {
      nlohmann::ordered_json line{{"file", content}, {"style", style}};
      line.update(style_json(figures));
      fmt::print("{}\n", json_line(line));
      return;
    }
    if (!headed_) {
      fmt::print("{:<24} {:<24}", "file", "style");
      for (const auto& [name, value] : figures) fmt::print(" {:>8}", name);
      fmt::print("\n");
      headed_ = true;
    }
    fmt::print("{:<24} {:<24}", content, style);
    for (const auto& [name, value] : figures) fmt::print(" {:>8.4f}", value);
    fmt::print("\n");
  }

  void summary(std::size_t pairs, std::size_t contents) {
    StyleFigures mean = sum_;
    for (auto& [name, value] : mean) {
      value /= static_cast<double>(pairs);
      if (name.starts_with("grid")) value = 255 * std::sqrt(value);
    }
    mean.emplace_back("own_psnr", own_psnr_ / static_cast<double>(contents));
    if (request_.json) {
      const nlohmann::ordered_json line{{"mean", style_json(mean)}};
      fmt::print("{}\n", json_line(line));
      return;
    }
    fmt::print("\nmean of {} pairs\n", pairs);
    for (const auto& [name, value] : mean) fmt::print("{:<16} {:>9.4f}\n", name, value);
  }

  const EvalRequest& request_;
  FeatureNetworkPtr network_;
  Stylizer stylizer_;
  StyleFigures sum_;
  double own_psnr_ = 0;
  bool headed_ = false;
};

}  // namespace

int run_eval_styles(const EvalRequest& request) { return StyleEval(request).run(); }

}  // namespace ganvas::cli
