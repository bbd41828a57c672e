#include "infer/style_pass.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/division.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/nn/noise_picture.hpp"
#include "ganvas/nn/padding.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/threads.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

constexpr double tile_bytes = 64e6;  ///< of features of one tile, roughly
/// Of features in one strip of the map that is observed, or changed.
constexpr std::int64_t observed_values = 1 << 21, changed_values = 1 << 23;
/// Tiles begin at multiples of so many cells: a Winograd convolution computes pixels in pairs, and in bf16 another
/// pairing than the whole picture's rounds visibly otherwise.
constexpr int paired = 2;
constexpr double most_fp32 = 1073741824.0;  ///< bytes of a map beyond which it is fp16

int in_pairs(int size) { return divided_up(size, paired) * paired; }

/// What a tile's core needs around it, inside the whole.
cv::Rect with_context(const cv::Rect& core, int reach, const cv::Rect& whole) {
  return cv::Rect(core.x - reach, core.y - reach, core.width + 2 * reach, core.height + 2 * reach) & whole;
}

cv::Rect scaled(const cv::Rect& r, int factor) {
  return {r.x * factor, r.y * factor, r.width * factor, r.height * factor};
}

Tensor cut_out(const Tensor& x, const cv::Rect& rect) {
  return x.narrow(2, rect.y, rect.height).narrow(3, rect.x, rect.width);
}

template <typename Work>
void for_each_tile(const cv::Rect& whole, int side, const std::function<void(double)>& progress, const Work& work) {
  // As equal as can be, and rather one that is larger by up to three quarters than two.
  const auto equal = [side](int size) { return in_pairs(divided_up(size, std::max(1, (size + side / 4) / side))); };
  const int width = equal(whole.width), height = equal(whole.height);
  const int columns = divided_up(whole.width, width), rows = divided_up(whole.height, height);
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) {
      throw_if_interrupted();
      work(cv::Rect(x * width, y * height, width, height) & whole);
      progress((y * static_cast<double>(columns) + x + 1) / (static_cast<double>(rows) * columns));
    }
}

/// One end of a style network as the engine takes networks.
class StyleEnd final : public Generator {
 public:
  StyleEnd(StyleNetworkPtr network, bool decodes) : network_(std::move(network)), decodes_(decodes) {
    register_module("network", network_);
  }
  Tensor forward(const Tensor& x) override {
    return decodes_ ? network_->decode(x) : network_->encode(padded_for(network_->info(), x));
  }
  GeneratorInfo info() const override {
    const StyleNetworkInfo about = network_->info();
    if (decodes_) return {.scale = about.cell, .in_channels = about.channels, .out_channels = 3};
    return {.in_channels = 3, .out_channels = about.channels, .multiple = about.cell};
  }
  std::string architecture() const override { return network_->architecture(); }
  nlohmann::json config() const override { return network_->config(); }

 private:
  StyleNetworkPtr network_;
  bool decodes_;
};

/// Whether all that lies between pixels and features is dense: the engine takes ten times as long as LibTorch for
/// grouped convolutions of few channels.
bool has_dense_ends(const StyleNetwork& network) {
  for (const auto& item : network.named_modules()) {
    if (item.key().starts_with("modulator") || item.key().starts_with("style_encoder")) continue;
    const auto* conv = item.value()->as<torch::nn::Conv2dImpl>();
    if (conv && conv->options.groups() > 1) return false;
  }
  return true;
}

/// bf16 is taken by itself where it costs no more than this, dB of PSNR against fp32.
constexpr double affordable_psnr = 45;

}  // namespace

/// Features of the whole picture.
struct StylePass::Map {
  Map(int height, int width, int channels) : whole(0, 0, width, height) {
    const double bytes = 4.0 * width * height * channels;
    features = torch::empty({1, channels, height, width},
                            torch::TensorOptions(bytes > most_fp32 ? torch::kHalf : torch::kFloat)
                                .memory_format(torch::MemoryFormat::ChannelsLast));
  }
  Tensor read(const cv::Rect& rect, torch::Device device) const {
    return cut_out(features, rect).to(device, torch::kFloat);
  }
  void write(const cv::Rect& rect, const Tensor& values) {
    if (rect == whole && values.sizes() == features.sizes() && values.options().type_equal(features.options()) &&
        values.is_contiguous(torch::MemoryFormat::ChannelsLast)) {
      features = values;
      return;
    }
    cut_out(features, rect).copy_(features.scalar_type() == torch::kHalf ? values.clamp(-65504, 65504) : values);
  }
  /// As many rows as so many values fill.
  int rows_of(std::int64_t values) const {
    return static_cast<int>(std::clamp<std::int64_t>(values / (whole.width * features.size(1)), 1, whole.height));
  }
  cv::Rect strip(int begin, int rows) const { return cv::Rect(0, begin, whole.width, rows) & whole; }

  cv::Rect whole;
  Tensor features;
};

StylePass::StylePass(StyleNetworkPtr network, const RunOptions& options, int tile)
    : network_(std::move(network)),
      info_(network_->info()),
      device_(parse_device(options.device)),
      memory_(make_engine_memory()) {
  use_cpu_threads(options.threads);
  use_channels_last(*network_);
  network_->to(device_);
  network_->eval();
  const double side = std::sqrt(tile_bytes / (4.0 * std::max(info_.live_values, 1)));
  const int chosen = std::clamp(static_cast<int>(side), 128, 1024);
  tile_ = std::max(1, (tile > 0 ? tile : chosen) / info_.cell);
  if (!device_.is_cpu() || options.engine == "libtorch" || !has_dense_ends(*network_)) return;
  const bool bf16 = use_bf16(options.precision, device_) && engine_has_bf16();
  const Tensor plain = bf16 && options.precision == "auto" ? sample() : Tensor();
  compile(bf16, options.precision == "auto");
  if (!plain.defined() || precision() == "fp32") return;
  const double error = (sample() - plain).square().mean().item<double>();
  log(LogLevel::debug, "bf16: {:.1f} dB", -10 * std::log10(std::max(error, 1e-12)));
  if (!(-10 * std::log10(std::max(error, 1e-12)) >= affordable_psnr)) compile(false, false);
}

void StylePass::compile(bool bf16, bool unless_slower) {
  const auto compiled = [&](bool decodes) {
    std::string why;
    StyleEnd end(network_, decodes);
    auto engine =
        Engine::compile(end, {.bf16 = bf16, .unless_slower = unless_slower, .int8_record = {}, .memory = memory_}, why);
    if (!engine) log(LogLevel::debug, "LibTorch runs this network's {}: {}", decodes ? "decoder" : "encoder", why);
    return engine;
  };
  encoder_ = compiled(false);
  decoder_ = compiled(true);
  plain_steps_ = true;
  compared_steps_ = false;
}

/// What it makes of a small picture, 0..1.
Tensor StylePass::sample() {
  const int side = 16 * info_.cell;
  const Tensor picture = noise_picture(3, side, side);
  Tensor result = torch::zeros_like(picture);
  SteadyStatistics steady;
  run(
      {side, side}, [&](const cv::Rect& rect) { return cut_out(picture, rect); },
      [&](const cv::Rect& rect, const Tensor& values) { cut_out(result, rect).copy_(values); },
      {{encode_style(picture.flip(2), {})}}, {}, steady, {});
  return result.clamp(0, 1);
}

cv::Size StylePass::padded(cv::Size picture) const {
  const auto side = [this](int pixels) {
    return divided_up(std::max(pixels, info_.smallest()), info_.cell) * info_.cell;
  };
  return {side(picture.width), side(picture.height)};
}

StyleCode StylePass::encode_style(const Tensor& picture, const Tensor& weights) {
  const torch::NoGradGuard no_grad;
  return network_->encode_style(padded_for(info_, picture).to(device_),
                                weights.defined() ? weights.to(device_) : weights);
}

void StylePass::encode(Map& map, const Source& source, const std::function<void(double)>& progress) {
  const int reach = in_pairs(divided_up(info_.encode_reach, info_.cell));
  for_each_tile(map.whole, tile_, progress, [&](const cv::Rect& core) {
    const cv::Rect seen = with_context(core, reach, map.whole);
    const Tensor x = source(scaled(seen, info_.cell));
    const Tensor features = encoder_ ? encoder_->run(x) : network_->encode(x.to(device_));
    map.write(core, cut_out(features, core - seen.tl()).to(torch::kCPU));
  });
}

StyleStatistics StylePass::statistics(const Map& map, int step, const Tensor& weights) {
  const StyleStep& about = info_.steps[static_cast<std::size_t>(step)];
  StyleStatistics sum;
  const int rows = map.rows_of(observed_values);
  for (int y = 0; y < map.whole.height; y += rows) {
    throw_if_interrupted();
    const cv::Rect core = map.strip(y, rows), seen = with_context(core, about.observed_reach, map.whole);
    const Tensor values = cut_out(network_->observed(step, map.read(seen, device_)), core - seen.tl());
    const Tensor counted = weights.defined() ? cut_out(weights, core).to(device_) : Tensor();
    sum = merged(sum, observe(values, about.observes, counted));
  }
  return sum;
}

std::unique_ptr<Engine> StylePass::step_engine(int step, const StyleStatistics& statistics, const StyleCode& code) {
  if (!decoder_ || !plain_steps_) return nullptr;
  const GeneratorPtr plain = network_->plain_step(step, statistics, code);
  std::string why = "it isn't a plain network";
  const EngineOptions options{
      .bf16 = decoder_->bf16(), .int8_record = {}, .memory = memory_, .compared = !compared_steps_};
  auto engine = plain ? Engine::compile(*plain, options, why) : nullptr;
  compared_steps_ = true;
  if (!engine) {
    log(LogLevel::debug, "LibTorch runs this network's steps: {}", why);
    plain_steps_ = false;
  }
  return engine;
}

void StylePass::apply(Map& map, int step, const std::vector<StyleRegion>& regions,
                      const std::vector<StyleStatistics>& statistics) {
  const int reach = info_.steps[static_cast<std::size_t>(step)].reach;
  std::vector<std::unique_ptr<Engine>> engines;
  for (std::size_t r = 0; r < regions.size(); ++r) engines.push_back(step_engine(step, statistics[r], regions[r].code));
  Tensor above;  // rows that the next strip needs, as they were before this step
  const int rows = map.rows_of(changed_values);
  for (int y = 0; y < map.whole.height; y += rows) {
    throw_if_interrupted();
    const cv::Rect core = map.strip(y, rows), seen = with_context(core, reach, map.whole);
    Tensor x = map.read(seen, device_);
    if (const int overlap = core.y - seen.y; overlap > 0)
      x = torch::cat({above, x.narrow(2, overlap, x.size(2) - overlap)}, 2);
    const int end = core.y + core.height - seen.y, kept = std::min(reach, end);
    if (core.br().y < map.whole.height) above = x.narrow(2, end - kept, kept).clone();
    Tensor result, total;
    for (std::size_t r = 0; r < regions.size(); ++r) {
      const Tensor changed = engines[r] ? engines[r]->run(x) : network_->apply(step, x, statistics[r], regions[r].code);
      const Tensor made = cut_out(changed, core - seen.tl());
      if (!regions[r].share.defined()) {
        result = made;
        break;
      }
      // Where no style belongs, what stands there doesn't matter, but it must be a number.
      const Tensor share = (cut_out(regions[r].share, core) * regions[r].weight + 1e-6).to(device_);
      result = result.defined() ? result + made * share : made * share;
      total = total.defined() ? total + share : share;
    }
    map.write(core, (total.defined() ? result / total : result).to(torch::kCPU));
  }
}

void StylePass::decode(const Map& map, const Sink& sink, const std::function<void(double)>& progress) {
  for_each_tile(map.whole, tile_, progress, [&](const cv::Rect& core) {
    const cv::Rect seen = with_context(core, in_pairs(info_.decode_reach), map.whole);
    const Tensor x = map.read(seen, device_);
    const Tensor pixels = decoder_ ? decoder_->run(x) : network_->decode(x);
    const Tensor values = cut_out(pixels, scaled(core - seen.tl(), info_.cell)).to(torch::kCPU, torch::kFloat);
    if (!std::isfinite(values.sum().item<float>()))
      fail(ErrorKind::model, "the network gives values that are no numbers (NaN or infinite)");
    sink(scaled(core, info_.cell), values);
  });
}

void StylePass::run(cv::Size size, const Source& source, const Sink& sink, const std::vector<StyleRegion>& regions,
                    const Tensor& weights, SteadyStatistics& steady, const std::function<void(double)>& progress) {
  const torch::NoGradGuard no_grad;
  const auto part = [&](double begin, double share) {
    return [&progress, begin, share](double done) {
      if (progress) progress(begin + share * done);
    };
  };
  Map map(size.height / info_.cell, size.width / info_.cell, info_.channels);
  encode(map, source, part(0, 0.4));
  const std::size_t steps = info_.steps.size();
  const bool knows = steady.known.size() == steps && steady.known.front().size() == regions.size();
  if (!knows) steady.known.assign(steps, std::vector<StyleStatistics>(regions.size()));
  for (std::size_t i = 0; i < steps; ++i) {
    const int step = static_cast<int>(i);
    std::vector<StyleStatistics> own;
    for (std::size_t r = 0; r < regions.size(); ++r) {
      const Tensor& share = regions[r].share;
      if (knows && steady.follow == 0) {
        own.push_back(steady.known[i][r]);
        continue;
      }
      StyleStatistics found = statistics(map, step,
                                         share.defined() && weights.defined() ? share * weights
                                         : share.defined()                    ? share
                                                                              : weights);
      if (found.count <= 0) found = statistics(map, step, weights);  // a region without a place in this picture
      own.push_back(knows ? between(steady.known[i][r], found, steady.follow) : found);
    }
    steady.known[i] = own;
    apply(map, step, regions, own);
    part(0.4, 0.2)(static_cast<double>(i + 1) / static_cast<double>(steps));
  }
  decode(map, sink, part(0.6, 0.4));
}

}  // namespace ganvas
