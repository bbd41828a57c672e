#include "ganvas/infer/stylizer.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/alpha.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/detail.hpp"
#include "ganvas/imaging/recolour.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/infer/translator.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "infer/style_pass.hpp"
#include "infer/style_places.hpp"

namespace ganvas {

namespace {

using Report = std::function<void(double)>;

constexpr int finished_rows = 64;     ///< of a strip in which results are finished
constexpr double follow_share = 0.1;  ///< of a frame's own statistics in the running mean
/// Standard deviation of a picture's colours, 0..1, below which bf16 shows: there any-style comes to 45 dB of PSNR
/// against fp32 (of three photographs with less and less contrast).
constexpr double enough_contrast = 0.05;
constexpr double cut_difference =
    0.12;  ///< mean difference of two frames' thumbnails from which on they are two scenes

cv::Mat in_floats(const cv::Mat& pixels) {
  cv::Mat values;
  pixels.convertTo(values, CV_32F, 1 / max_value(Image(pixels).depth()));
  return values;
}

Image shrunk_to(const Image& image, int longer_side) {
  const int longest = std::max(image.width(), image.height());
  if (longer_side <= 0 || longest <= longer_side) return image;
  const auto side = [&](int pixels) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(pixels) * longer_side / longest)));
  };
  return resize(image, side(image.width()), side(image.height()), Interpolation::area);
}

}  // namespace

struct Stylizer::State {
  explicit State(const StylizeOptions& given) : options(given) {}

  StylePass& pass_for(const Image& small);
  void begin_frame(const Image& small);
  void encode_styles(const Image& content);
  std::vector<StyleRegion> regions_for(cv::Size small, cv::Size padded) const;
  cv::Mat coverage_for(const Image& image) const;
  void run_network(const Image& small, const Image& alpha,
                   const std::function<void(const cv::Rect&, const cv::Mat&)>& sink, const Report& report);
  void finish(const Image& image, const cv::Mat& coverage, const cv::Rect& rect, cv::Mat styled, Image& result) const;

  StylizeOptions options;
  std::unique_ptr<StylePass> pass;   ///< of networks that take styles
  std::unique_ptr<StylePass> exact;  ///< the same in fp32, once a picture has needed it
  StyleNetworkPtr network;
  std::unique_ptr<Translator> translator;  ///< of those that have one
  StyleSearch search;                      ///< where there is no network
  std::vector<Style> styles;
  std::vector<StyleCode> codes;  ///< of each style, unless they depend on the picture
  SteadyStatistics steady;
  cv::Mat last_frame;  ///< thumbnail
};

Stylizer::Stylizer(StyleNetworkPtr network, const StylizeOptions& options) : state_(std::make_unique<State>(options)) {
  state_->network = network;
  state_->pass = std::make_unique<StylePass>(std::move(network), options.run, options.tile);
}

Stylizer::Stylizer(LoadedGenerator network, const StylizeOptions& options) : state_(std::make_unique<State>(options)) {
  if (options.steady != Steady::no)
    fail_setting(ErrorKind::usage, "steady", "a network of one style takes no statistics from other frames");
  if (options.keep_colour == KeepColour::match)
    fail_setting(ErrorKind::usage, "keep_colour",
                 "a network of one style has no picture of it whose colours could change");
  TranslateOptions translate;
  translate.run = options.run;
  translate.tile = options.tile;
  state_->translator = std::make_unique<Translator>(std::move(network), translate);
}

Stylizer::Stylizer(StyleSearch search, const StylizeOptions& options) : state_(std::make_unique<State>(options)) {
  if (options.steady != Steady::no)
    fail_setting(ErrorKind::usage, "steady", "a search takes no statistics from other frames");
  if (options.keep_colour == KeepColour::match)
    fail_setting(ErrorKind::usage, "keep_colour", "a search keeps the colours of the style or the content's alone");
  state_->search = std::move(search);
}

Stylizer::~Stylizer() = default;
Stylizer::Stylizer(Stylizer&&) noexcept = default;

bool Stylizer::takes_styles() const { return state_->pass != nullptr || state_->search; }

Style Stylizer::read_style(const std::filesystem::path& path) const {
  Style style;
  if (const auto extension = path.extension(); extension == ".safetensors" && !sniff_file(path)) {
    if (!state_->network)
      fail_setting(ErrorKind::usage, "own_style", "{}: this network has a style of its own and takes no other",
                   path.string());
    style.code = load_style_code(path, *state_->network);
    return style;
  }
  style.picture = read_image(path).image;
  if (const Image alpha = alpha_part(style.picture); !alpha.empty() && cv::countNonZero(alpha.pixels) == 0)
    log(LogLevel::warning, "{}: transparent everywhere: the colours that it hides are taken for the style",
        path.string());
  const ColourStatistics colours = colours_of(colour_part(style.picture));
  if (*std::max_element(colours.deviation.val, colours.deviation.val + 3) < 0.5 / 255)
    log(LogLevel::warning, "{}: of one colour only: there is no style in it but that colour", path.string());
  return style;
}

void Stylizer::set_styles(std::vector<Style> styles) {
  State& state = *state_;
  if (state.translator) {
    const bool any = std::any_of(styles.begin(), styles.end(),
                                 [](const Style& style) { return !style.picture.empty() || !style.code.empty(); });
    if (any) fail_setting(ErrorKind::usage, "own_style", "this network has a style of its own and takes no other");
    state.styles = std::move(styles);
    return;
  }
  if (styles.empty()) fail_setting(ErrorKind::usage, "styles", "this network needs the picture of a style");
  double sum = 0;
  std::size_t masks = 0;
  for (const Style& style : styles) {
    if (!(style.weight >= 0) || !std::isfinite(style.weight))
      fail_setting(ErrorKind::usage, "weights", "a style's weight is {}: weights are numbers from 0 up", style.weight);
    sum += style.weight;
    masks += !style.mask.empty();
    if (state.options.keep_colour == KeepColour::match && style.picture.empty())
      fail_setting(ErrorKind::usage, "keep_colour", "a saved style has no picture whose colours could match");
  }
  if (sum <= 0) fail_setting(ErrorKind::usage, "weights", "the styles' weights add up to 0");
  if (masks != 0 && masks != styles.size())
    fail_setting(ErrorKind::usage, "masks", "{} masks for {} styles: one for each, or one for all", masks,
                 styles.size());
  if (state.search && masks > 0) fail_setting(ErrorKind::usage, "masks", "a search covers the whole picture");
  for (Style& style : styles) style.weight /= sum;
  state.styles = std::move(styles);
  if (state.search) return;
  state.codes.clear();
  state.steady.known.clear();
  if (state.options.keep_colour != KeepColour::match) state.encode_styles({});
}

void Stylizer::save_style(const std::filesystem::path& path) {
  const State& state = *state_;
  if (state.codes.empty())
    fail_setting(ErrorKind::usage, "keep_colour", "a style whose colours follow each picture can't be saved");
  std::vector<std::pair<StyleCode, double>> parts;
  for (std::size_t i = 0; i < state.codes.size(); ++i) parts.emplace_back(state.codes[i], state.styles[i].weight);
  save_style_code(path, *state.network, blended(parts));
}

/// What the network keeps of each style; where colours shall match, of its picture in the content's colours.
void Stylizer::State::encode_styles(const Image& content) {
  std::vector<StyleCode> found;
  const ColourStatistics wanted = content.empty() ? ColourStatistics{} : colours_of(content);
  for (const Style& style : styles) {
    if (style.picture.empty()) {
      found.push_back(style.code);
      continue;
    }
    const Image small = shrunk_to(style.picture, options.style_size);
    const Image alpha = alpha_part(small);
    Image colours = small.has_alpha() ? bleed_colour(small) : small;
    colours = content.empty() ? to_rgb(colours)
                              : with_colours(small.has_alpha() ? with_alpha(colours, alpha) : colours, wanted);
    const torch::Tensor picture = tensor_from_image(colours.pixels).clamp(0, 1);
    const cv::Size padded = pass->padded({small.width(), small.height()});
    const bool counts = !alpha.empty() && cv::countNonZero(alpha.pixels) > 0;
    found.push_back(pass->encode_style(
        picture,
        counts ? places_of(alpha, {small.width(), small.height()}, padded, pass->info().cell) : torch::Tensor()));
  }
  codes = std::move(found);
}

/// With masks a region for each style, else one of all together.
std::vector<StyleRegion> Stylizer::State::regions_for(cv::Size small, cv::Size padded) const {
  std::vector<std::pair<StyleCode, double>> parts;
  for (std::size_t i = 0; i < codes.size(); ++i) parts.emplace_back(codes[i], styles[i].weight);
  if (codes.size() == 1 || styles.front().mask.empty()) {
    StyleRegion region{blended(parts)};
    if (!styles.front().mask.empty()) region.share = places_of(styles.front().mask, small, padded, pass->info().cell);
    return {region};
  }
  std::vector<StyleRegion> regions;
  for (std::size_t i = 0; i < codes.size(); ++i)
    regions.push_back({codes[i], places_of(styles[i].mask, small, padded, pass->info().cell), styles[i].weight});
  return regions;
}

/// How far any style reaches at each pixel, 8 bit; empty: everywhere.
cv::Mat Stylizer::State::coverage_for(const Image& image) const {
  cv::Mat sum;
  for (const Style& style : styles) {
    if (style.mask.empty()) return {};
    const cv::Mat one = stretched_mask(style.mask, {image.width(), image.height()}).pixels;
    if (sum.empty()) sum = one.clone();  // it may be the mask itself
    else cv::add(sum, one, sum);
  }
  return sum;
}

/// A film's next frame: statistics go on, or begin again where the scene has changed.
void Stylizer::State::begin_frame(const Image& small) {
  if (options.steady == Steady::no) {
    steady.known.clear();
    if (options.keep_colour == KeepColour::match) encode_styles(small);
    return;
  }
  const cv::Mat frame = in_floats(resize(to_gray(colour_part(small)), 16, 16, Interpolation::area).pixels);
  const bool cut = last_frame.empty() || cv::norm(frame, last_frame, cv::NORM_L1) / 256 > cut_difference;
  last_frame = frame;
  steady.follow = options.steady == Steady::first ? 0 : follow_share;
  if (cut && (options.steady == Steady::smooth || steady.known.empty())) {
    steady.known.clear();
    if (options.keep_colour == KeepColour::match) encode_styles(small);
  }
}

/// Normalisation makes the little contrast of a foggy picture large, and the rounding of bf16 with it.
StylePass& Stylizer::State::pass_for(const Image& small) {
  if (options.run.precision != "auto" || pass->precision() != "bf16") return *pass;
  const cv::Vec3d deviation = colours_of(small).deviation;
  if (*std::max_element(deviation.val, deviation.val + 3) >= enough_contrast) return *pass;
  if (!exact) {
    RunOptions run = options.run;
    run.precision = "fp32";
    exact = std::make_unique<StylePass>(network, run, options.tile);
  }
  log(LogLevel::debug, "little contrast: in fp32");
  return *exact;
}

void Stylizer::State::run_network(const Image& small, const Image& alpha,
                                  const std::function<void(const cv::Rect&, const cv::Mat&)>& sink,
                                  const Report& report) {
  const cv::Size size(small.width(), small.height()), padded = pass->padded(size);
  const cv::Rect whole(cv::Point(0, 0), size);
  const auto source = [&](const cv::Rect& rect) {
    const cv::Rect inside = rect & whole;
    // What the padding reflects reaches at most a cell back, but a tile at the border may be narrower.
    const cv::Rect seen(0, 0, inside.br().x, inside.br().y);
    const int cell = pass->info().cell;
    const auto back = [&](int begin, int end) { return std::max(0, std::min(begin, (end / cell - 4) * cell)); };
    const int left = back(inside.x, seen.width), top = back(inside.y, seen.height);
    const cv::Rect wide(left, top, seen.width - left, seen.height - top);
    const torch::Tensor x = padded_for(pass->info(), tensor_from_image(small.pixels(wide)));
    return x.narrow(2, rect.y - top, rect.height).narrow(3, rect.x - left, rect.width);
  };
  const auto take = [&](const cv::Rect& rect, const torch::Tensor& values) {
    const cv::Rect inside = rect & whole;
    if (inside.empty()) return;
    sink(inside, matrix_from_tensor(values.narrow(2, 0, inside.height).narrow(3, 0, inside.width)));
  };
  const torch::Tensor weights = alpha.empty() ? torch::Tensor() : places_of(alpha, size, padded, pass->info().cell);
  pass_for(small).run(padded, source, take, regions_for(size, padded), weights, steady, report);
}

/// Colours, strength and masks, for one part of the picture.
void Stylizer::State::finish(const Image& image, const cv::Mat& coverage, const cv::Rect& rect, cv::Mat styled,
                             Image& result) const {
  const bool mixed = options.strength < 1 || !coverage.empty();
  cv::Mat content;
  if (mixed || options.keep_colour == KeepColour::luma)
    content = in_floats(to_rgb(colour_part(Image(image.pixels(rect)))).pixels);
  if (options.keep_colour == KeepColour::luma) keep_chroma(styled, content);
  if (mixed)
    for (int y = 0; y < styled.rows; ++y) {
      auto* out = styled.ptr<cv::Vec3f>(y);
      const auto* in = content.ptr<cv::Vec3f>(y);
      const auto* covered = coverage.empty() ? nullptr : coverage.ptr<std::uint8_t>(rect.y + y) + rect.x;
      for (int x = 0; x < styled.cols; ++x) {
        const double share = options.strength * (covered ? covered[x] / 255.0 : 1.0);
        out[x] = in[x] + (out[x] - in[x]) * static_cast<float>(share);
      }
    }
  Image done = to_depth(Image(styled), image.depth());
  if (result.channels() == 1) done = to_gray(done);
  done.pixels.copyTo(result.pixels(rect));
}

Image Stylizer::stylize(const Image& given, const Report& progress) {
  State& state = *state_;
  const StylizeOptions& options = state.options;
  const Report report = progress ? progress : [](double) {};
  if (options.strength <= 0) return given;
  if (given.channels() > 4) (void)with_channels(given, 3);  // says that bands are no colours
  const Image alpha = alpha_part(given);
  if (!alpha.empty() && cv::countNonZero(alpha.pixels) == 0) return given;  // nothing shows
  const Image image = given.has_alpha() ? bleed_colour(given) : given;
  const Image shrunk = shrunk_to(image, options.work_size), small = to_rgb(shrunk);
  const bool resized = small.width() != image.width() || small.height() != image.height();
  const Image small_alpha =
      alpha.empty() || !resized ? alpha : resize(alpha, small.width(), small.height(), Interpolation::area);
  const bool gray = image.channels() == 1 && options.keep_colour == KeepColour::luma;
  Image result(image.width(), image.height(), gray ? 1 : 3, image.depth());
  const cv::Mat coverage = state.coverage_for(image);

  cv::Mat small_result;
  const auto finish = [&](const cv::Rect& rect, const cv::Mat& styled) {
    if (small_result.empty()) state.finish(image, coverage, rect, styled, result);
    else styled.copyTo(small_result(rect));
  };
  if (resized) small_result.create(small.height(), small.width(), CV_32FC3);
  if (state.pass) {
    state.begin_frame(small_alpha.empty() ? small : with_alpha(small, small_alpha));
    state.run_network(small, small_alpha, finish, report);
  } else if (state.search) {
    std::vector<std::pair<torch::Tensor, double>> styles;
    for (const Style& style : state.styles)
      styles.emplace_back(tensor_from_image(to_rgb(colour_part(shrunk_to(style.picture, options.style_size))).pixels),
                          style.weight);
    const cv::Mat styled = matrix_from_tensor(state.search(tensor_from_image(small.pixels), styles, report));
    for (int y = 0; y < small.height(); y += finished_rows) {
      const cv::Rect rows(0, y, small.width(), std::min(finished_rows, small.height() - y));
      finish(rows, styled(rows).clone());
    }
  } else {
    const Image styled = state.translator->translate(resized ? to_depth(small, Depth::f32) : small, report);
    for (int y = 0; y < small.height(); y += finished_rows) {
      const cv::Rect rows(0, y, small.width(), std::min(finished_rows, small.height() - y));
      finish(rows, in_floats(to_rgb(colour_part(Image(styled.pixels(rows)))).pixels));
    }
  }
  if (resized) {
    const DetailEnlarger enlarger(in_floats(small.pixels), small_result, {image.width(), image.height()});
    for (int y = 0; y < image.height(); y += finished_rows) {
      const cv::Rect rows(0, y, image.width(), std::min(finished_rows, image.height() - y));
      const cv::Mat content = in_floats(to_rgb(Image(image.pixels(rows))).pixels);
      state.finish(image, coverage, rows, enlarger.rows(y, content), result);
    }
  }
  report(1);
  return alpha.empty() ? result : with_alpha(result, alpha);
}

}  // namespace ganvas
