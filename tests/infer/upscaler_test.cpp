#include "ganvas/infer/upscaler.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <new>
#include <opencv2/imgproc.hpp>
#include <set>

#include "ganvas/core/interrupt.hpp"
#include "ganvas/engine/engine.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/engine/region_runner.hpp"
#include "ganvas/imaging/alpha.hpp"
#include "ganvas/imaging/resize.hpp"
#include "imaging/pictures.hpp"
#include "support/refusal.hpp"
#include "support/stderr_capture.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

LoadedGenerator loaded(GeneratorPtr network) {
  network->eval();
  network->weights_changed();
  return {std::move(network), "test", {}};
}

/// A network with random weights, always the same.
GeneratorPtr random_network(const std::string& architecture, const nlohmann::json& config) {
  torch::manual_seed(1);
  return make_generator(architecture, config);
}

Upscaler upscaler(const nlohmann::json& config, UpscaleOptions options = {}) {
  if (options.run.precision == "auto") options.run.precision = "fp32";
  return Upscaler(loaded(random_network("compact", config)), options);
}

/// Enlarges by repetition, whatever the picture; `before` sees every tile.
class Repeating final : public Generator {
 public:
  explicit Repeating(int scale, std::function<void(const torch::Tensor&)> before = {})
      : scale_(scale), before_(std::move(before)) {}
  torch::Tensor forward(const torch::Tensor& input) override {
    if (before_) before_(input);
    return input.repeat_interleave(scale_, 2).repeat_interleave(scale_, 3);
  }
  GeneratorInfo info() const override { return {.scale = scale_, .halo = 4}; }
  std::string architecture() const override { return "repeating"; }
  nlohmann::json config() const override { return {}; }

 private:
  int scale_;
  std::function<void(const torch::Tensor&)> before_;
};

Upscaler repeating(int scale, std::function<void(const torch::Tensor&)> before = {}, UpscaleOptions options = {}) {
  options.run.precision = "fp32";
  return Upscaler(loaded(std::make_shared<Repeating>(scale, std::move(before))), options);
}

Image repeated(const Image& image, int scale) {
  Image result;
  cv::resize(image.pixels, result.pixels, {}, scale, scale, cv::INTER_NEAREST);
  return result;
}

}  // namespace

TEST_CASE("target sizes") {
  const auto size = [](const TargetSize& target, int width, int height) { return resolve(target, width, height, 4); };
  const auto make = [](std::optional<double> scale, std::optional<int> width, std::optional<int> height,
                       std::optional<int> max_side) {
    return TargetSize{.scale = scale, .width = width, .height = height, .max_side = max_side};
  };
  const auto none = std::nullopt;
  CHECK(size({}, 30, 20) == cv::Size(120, 80));
  CHECK(size(make(2.5, none, none, none), 31, 21) == cv::Size(78, 53));  // halves away from zero
  CHECK(size(make(0.01, none, none, none), 30, 20) == cv::Size(1, 1));
  CHECK(size(make(none, 100, none, none), 30, 20) == cv::Size(100, 67));
  CHECK(size(make(none, none, 100, none), 30, 20) == cv::Size(150, 100));
  CHECK(size(make(none, 7, 100, none), 30, 20) == cv::Size(7, 100));
  CHECK(size(make(none, none, none, 1001), 30, 20) == cv::Size(1001, 667));
  CHECK(size(make(none, none, none, 1001), 20, 30) == cv::Size(667, 1001));
  CHECK(size(make(none, none, none, 999), 3000, 1) == cv::Size(999, 1));
  // The wished side comes out exactly, whatever the rounding.
  for (int side = 1; side < 300; ++side)
    for (const int own : {1, 3, 49, 97, 1021}) {
      CHECK(size(make(none, side, none, none), own, 13).width == side);
      CHECK(size(make(none, none, side, none), 13, own).height == side);
      const cv::Size both = size(make(none, none, none, side), own, 50);
      CHECK(std::max(both.width, both.height) == side);
    }
  for (const auto& wrong :
       {make(2, 5, none, none), make(2, none, none, 5), make(none, 5, none, 5), make(0, none, none, none),
        make(-1, none, none, none), make(none, 0, none, none), make(none, none, -3, none), make(NAN, none, none, none),
        make(INFINITY, none, none, none), make(1e9, none, none, none), make(none, 2'000'000'000, none, none)})
    CHECK(refusal(ErrorKind::usage, [&] { size(wrong, 30, 20); }) != "was accepted");
}

namespace {

/// Every example of the registry that enlarges or restores; translators run otherwise, see translator_test.
template <typename Work>
void for_restorers(Work work) {
  for (const auto& plugin : generator_plugins())
    for (const auto& config : plugin.examples) {
      const GeneratorPtr network = random_network(plugin.name, config);
      if (network->info().value_low < 0) continue;
      INFO(plugin.name << " " << config.dump());
      work(plugin.name, config, network->info());
    }
}

/// In tiles against the whole, in fp32, on a picture that is large enough for several tiles and no multiple of
/// anything.
void check_tiles(const std::string& architecture, const nlohmann::json& config, int width, int height,
                 UpscaleOptions options) {
  options.run = {.precision = "fp32", .threads = 1};
  Upscaler tiled(loaded(random_network(architecture, config)), options);
  options.tile = 4096;
  Upscaler whole(loaded(random_network(architecture, config)), options);
  const GeneratorInfo& info = tiled.info();
  const Image image = noise(width, height, info.in_channels, Depth::f32);
  const cv::Size size(width * info.scale, height * info.scale);
  const Image a = tiled.upscale(image, size), b = whole.upscale(image, size);
  CHECK(largest_difference(a, b) < 1e-4 * std::max(1.0, cv::norm(b.pixels, cv::NORM_INF)));
}

/// Attention between channels or tokens of the whole picture.
const std::set<std::string> look_at_all_tokens{"atd", "dat", "omnisr", "rgt"};

}  // namespace

TEST_CASE("tiled equals whole, for every architecture without global statistics, on odd sizes") {
  for_restorers([](const std::string& name, const nlohmann::json& config, const GeneratorInfo& info) {
    if (info.global) return;
    // Pictures that are little more than context are filled up by what lies behind their border, tiled or not.
    const int height = std::max(57, 2 * info.halo + 15), width = height + 30;
    check_tiles(name, config, width, height, {.tile = std::max(32, info.halo), .overlap = info.halo});
  });
}

TEST_CASE("tiled equals whole, for every architecture that looks at means over the whole picture") {
  std::set<std::string> approximate;
  for_restorers([&](const std::string& name, const nlohmann::json& config, const GeneratorInfo& info) {
    if (!info.global) return;
    const GeneratorPtr network = random_network(name, config);
    std::string why;
    const auto regions = RegionRunner::compile(*network, why);
    if (!Engine::compile(*network, {}, why)) {
      if (why != "built without oneDNN") approximate.insert(name);
      return;
    }
    if (!regions || !regions->local()) approximate.insert(name);
    else check_tiles(name, config, 97, 71, {.tile = 40});
  });
  for (const std::string& name : approximate) CHECK_MESSAGE(look_at_all_tokens.contains(name), name);
}

TEST_CASE("what attends over the whole picture gets it whole while it fits, else one warning") {
  int seen = 0;
  for_restorers([&](const std::string& name, const nlohmann::json& config, const GeneratorInfo& info) {
    if (!look_at_all_tokens.contains(name)) return;
    ++seen;
    CHECK(info.global);
    const auto warnings = [&](int tile) {
      Upscaler upscaler(loaded(random_network(name, config)),
                        {.run = {.precision = "fp32", .threads = 1}, .tile = tile, .overlap = 4});
      const Image image = noise(90, 70, info.in_channels, Depth::u8);
      StderrCapture capture;
      for (int i = 0; i < 2; ++i) upscaler.upscale(image, {90 * info.scale, 70 * info.scale});
      const std::string text = capture.finish();
      return std::pair{text.find("only approximate") != std::string::npos, std::ranges::count(text, '\n')};
    };
    CHECK(warnings(0) == std::pair{false, std::ptrdiff_t{0}});
    CHECK(warnings(40) == std::pair{true, std::ptrdiff_t{1}});
  });
  CHECK(seen >= 4);
}

TEST_CASE("the whole equals the network by hand, also for tiny and thin pictures, tiles of any size agree") {
  const nlohmann::json config{{"channels", 8}, {"convs", 2}, {"scale", 2}};
  const GeneratorPtr network = random_network("compact", config);
  Upscaler whole = upscaler(config, {.tile = 8192});
  for (const auto& [width, height] : {std::pair{1, 1}, {3000, 5}, {5, 300}, {2, 3}, {65, 33}}) {
    INFO(width << "x" << height);
    const Image image = noise(width, height, 3, Depth::u8);
    const Image result = whole.upscale(image, {2 * width, 2 * height});
    // Inside, away from the border by the receptive field, nothing but the network's own answer.
    torch::Tensor input = torch::empty({1, 3, height, width});
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < 3; ++c) input[0][c][y][x] = image.pixels.at<cv::Vec3b>(y, x)[c] / 255.0f;
    const torch::NoGradGuard no_grad;
    const torch::Tensor output = (network->forward(input).clamp(0, 1) * 255).contiguous();
    const int margin = 2 * network->info().halo;
    double worst = 0;
    for (int y = margin; y < 2 * height - margin; ++y)
      for (int x = margin; x < std::min(2 * width - margin, 200); ++x)
        for (int c = 0; c < 3; ++c)
          worst = std::max(worst, std::abs(output[0][c][y][x].item<double>() - result.pixels.at<cv::Vec3b>(y, x)[c]));
    CHECK(worst <= 0.51);
    for (const int tile : {16, 37, 64}) {
      Upscaler tiled = upscaler(config, {.tile = tile});
      CHECK(largest_difference(tiled.upscale(image, {2 * width, 2 * height}), result) <= 1);
    }
  }
  // Half precision is close, and says so.
  Upscaler half = upscaler(config, {.run = {.precision = "bf16"}});
  CHECK(half.precision() == "bf16");
  CHECK(whole.precision() == "fp32");
  const Image image = gradient(50, 40, 3, Depth::u8);
  CHECK(largest_difference(half.upscale(image, {100, 80}), whole.upscale(image, {100, 80})) <= 4);
}

TEST_CASE("any scale and exact sizes") {
  Upscaler two = repeating(2), one = repeating(1), four = repeating(4);
  const Image image = noise(21, 13, 3, Depth::u8);
  for (const auto& [width, height] :
       {std::pair{42, 26}, {53, 33}, {21, 13}, {10, 6}, {100, 3}, {1, 1}, {200, 124}, {22, 13}})
    for (Upscaler* any : {&two, &one, &four}) {
      INFO(width << "x" << height << " with x" << any->info().scale);
      const Image result = any->upscale(image, {width, height});
      CHECK(result.width() == width);
      CHECK(result.height() == height);
      // By repetition as often as pays, each time from no more pixels than the rest will need; then a bicubic resize.
      const int scale = any->info().scale;
      std::vector<Image> candidates{image};
      for (int passes = 1; passes < 5 && scale > 1; ++passes) {
        Image current = image;
        for (int i = 0; i < passes; ++i) {
          const double factor = std::pow(scale, passes - i);
          const int enough_x = static_cast<int>(std::ceil(width / factor)),
                    enough_y = static_cast<int>(std::ceil(height / factor));
          if (i > 0)
            current = resize(current, std::min(enough_x, current.width()), std::min(enough_y, current.height()));
          current = repeated(current, scale);
        }
        candidates.push_back(current);
      }
      CHECK(std::any_of(candidates.begin(), candidates.end(),
                        [&](const Image& c) { return same(result, resize(c, width, height)); }));
    }
  CHECK(same(two.upscale(image, {42, 26}), repeated(image, 2)));
  CHECK(same(two.upscale(image, {84, 52}), repeated(image, 4)));   // twice
  CHECK(same(two.upscale(image, {11, 7}), resize(image, 11, 7)));  // smaller: a resize alone
  CHECK(same(one.upscale(image, {21, 13}), image));
}

TEST_CASE("gray stays gray, depth stays, a network of one channel takes colour plane by plane") {
  const nlohmann::json colour{{"channels", 8}, {"convs", 1}, {"scale", 2}};
  nlohmann::json gray = colour;
  gray["in_channels"] = 1;
  Upscaler three = upscaler(colour), one = upscaler(gray);
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32}) {
    const double level = depth == Depth::f32 ? 1e-5 : 1;
    const Image plane = noise(20, 15, 1, depth), picture = noise(20, 15, 3, depth);
    const Image a = three.upscale(plane, {40, 30}), b = one.upscale(plane, {40, 30});
    CHECK(a.channels() == 1);
    CHECK(b.channels() == 1);
    CHECK((a.depth() == depth && b.depth() == depth));
    CHECK(largest_difference(a, to_gray(three.upscale(to_rgb(plane), {40, 30}))) <= level);
    const Image c = one.upscale(picture, {40, 30});
    CHECK(c.channels() == 3);
    for (int i = 0; i < 3; ++i) {
      Image in, out;
      cv::extractChannel(picture.pixels, in.pixels, i);
      cv::extractChannel(c.pixels, out.pixels, i);
      CHECK(largest_difference(out, one.upscale(in, {40, 30})) <= level);
    }
  }
  // 16 bit comes through whole: no detour over 8.
  Image dark(9, 7, 3, Depth::u16);
  cv::randu(dark.pixels, 0, 250);
  CHECK(same(repeating(2).upscale(dark, {18, 14}), repeated(dark, 2)));
}

TEST_CASE("a network of four channels computes alpha along with the colours") {
  Upscaler four = upscaler({{"channels", 8}, {"convs", 1}, {"scale", 2}, {"in_channels", 4}});
  const cv::Size size(40, 30);
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    const Image colour = noise(20, 15, 3, depth), gray = noise(20, 15, 1, depth, 3), alpha = noise(20, 15, 1, depth, 7);
    Image opaque(20, 15, 1, depth);
    opaque.pixels.setTo(max_value(depth));
    const Image both = four.upscale(with_alpha(colour, alpha), size);
    CHECK(both.channels() == 4);
    CHECK((both.depth() == depth));
    // Its alpha depends on the colours, so that it is not what a plane alone gives.
    CHECK_FALSE(same(alpha_part(both), alpha_part(four.upscale(with_alpha(to_rgb(gray), alpha), size))));
    CHECK(same(four.upscale(colour, size), colour_part(four.upscale(with_alpha(colour, opaque), size))));
    CHECK(same(four.upscale(gray, size), to_gray(colour_part(four.upscale(with_alpha(to_rgb(gray), opaque), size)))));
    CHECK(four.upscale(with_alpha(gray, alpha), size).channels() == 2);
  }
}

TEST_CASE("a network of 1 -> 3 channels makes colour of gray, and of a colour picture's luma") {
  Upscaler colours = upscaler({{"channels", 8}, {"convs", 1}, {"scale", 2}, {"in_channels", 1}, {"out_channels", 3}});
  const cv::Size size(40, 30);
  const Image colour = noise(20, 15, 3, Depth::u8), gray = noise(20, 15, 1, Depth::u8),
              alpha = noise(20, 15, 1, Depth::u8, 7);
  CHECK(colours.upscale(gray, size).channels() == 3);
  CHECK(same(colours.upscale(colour, size), colours.upscale(to_gray(colour), size)));
  const Image both = colours.upscale(with_alpha(gray, alpha), size);
  CHECK(both.channels() == 4);
  CHECK(colours.upscale(gray, {80, 60}).channels() == 3);  // two passes
  CHECK(refusal(ErrorKind::model, [] {
          upscaler({{"channels", 8}, {"convs", 1}, {"scale", 1}, {"in_channels", 3}, {"out_channels", 1}});
        }).find("takes 3 and gives 1") != std::string::npos);
}

TEST_CASE("transparency: constant alpha, the model's or bicubic, no dark halos") {
  const Image colour = noise(20, 15, 3, Depth::u8);
  Upscaler two = repeating(2);
  for (const int value : {255, 77}) {
    Image alpha(20, 15, 1, Depth::u8);
    alpha.pixels.setTo(value);
    const Image result = two.upscale(with_alpha(colour, alpha), {40, 30});
    CHECK(same(colour_part(result), repeated(colour, 2)));
    CHECK(same(alpha_part(result), repeated(alpha, 2)));
  }
  // Shaped alpha, in colour, gray and 16 bit.
  for (const Depth depth : {Depth::u8, Depth::u16})
    for (const int channels : {1, 3}) {
      const Image alpha = noise(20, 15, 1, depth, 7), any = noise(20, 15, channels, depth, 8);
      const Image result = two.upscale(with_alpha(any, alpha), {40, 30});
      CHECK(result.channels() == channels + 1);
      CHECK((result.depth() == depth));
      CHECK(largest_difference(alpha_part(result), repeated(alpha, 2)) <= 1);
      Upscaler bicubic = repeating(2, {}, {.alpha = AlphaMode::bicubic});
      CHECK(same(alpha_part(bicubic.upscale(with_alpha(any, alpha), {40, 30})), resize(alpha, 40, 30)));
    }
  // A white disc, black where nothing shows: enlarged it stays white up to its soft edge.
  Image disc(40, 40, 4, Depth::u8);
  disc.pixels.setTo(cv::Scalar(0, 0, 0, 0));
  cv::circle(disc.pixels, {20, 20}, 12, cv::Scalar(255, 255, 255, 255), cv::FILLED);
  const Image large = two.upscale(disc, {100, 100});  // 2.5: network and resize
  int visible = 0;
  for (int y = 0; y < 100; ++y)
    for (int x = 0; x < 100; ++x) {
      const cv::Vec4b p = large.pixels.at<cv::Vec4b>(y, x);
      if (p[3] < 8) continue;
      ++visible;
      CHECK(std::min({p[0], p[1], p[2]}) >= 250);
    }
  CHECK(visible > 2000);
}

TEST_CASE("the mean over eight flips and turns, by hand") {
  const nlohmann::json config{{"channels", 8}, {"convs", 2}, {"scale", 2}};
  Upscaler plain = upscaler(config), eight = upscaler(config, {.tta = true});
  const cv::Mat tile = noise(23, 17, 3, Depth::f32).pixels;
  cv::Mat sum = cv::Mat::zeros(34, 46, CV_32FC3);
  for (int i = 0; i < 8; ++i) {
    cv::Mat view = tile.clone();
    for (int turn = 0; turn < i % 4; ++turn) cv::rotate(view, view, cv::ROTATE_90_CLOCKWISE);
    if (i >= 4) cv::flip(view, view, 1);
    cv::Mat result = plain.run_tile(view);
    if (i >= 4) cv::flip(result, result, 1);
    for (int turn = 0; turn < i % 4; ++turn) cv::rotate(result, result, cv::ROTATE_90_COUNTERCLOCKWISE);
    sum += result / 8;
  }
  CHECK(cv::norm(eight.run_tile(tile), sum, cv::NORM_INF) < 1e-5);
  CHECK(cv::norm(eight.run_tile(tile), plain.run_tile(tile), cv::NORM_INF) > 1e-4);
}

TEST_CASE("values that are no numbers, memory that runs out, Ctrl-C, progress, channels that don't fit") {
  const nlohmann::json config{{"channels", 8}, {"convs", 1}, {"scale", 2}};
  const Image image = noise(130, 90, 3, Depth::u8);
  for (const char* precision : {"fp32", "bf16"}) {
    const GeneratorPtr broken = random_network("compact", config);
    {
      const torch::NoGradGuard no_grad;
      broken->parameters()[0].view(-1)[0] = NAN;
    }
    Upscaler bad(loaded(broken), {.run = {.precision = precision}});
    CHECK(refusal(ErrorKind::model, [&] { bad.upscale(image, {260, 180}); }).find("no numbers") != std::string::npos);
  }

  // No tile of more than 64 x 64 pixels fits: smaller ones are taken, and the result is the same.
  int largest = 0, calls = 0;
  Upscaler tight = repeating(2,
                             [&](const torch::Tensor& input) {
                               ++calls;
                               if (input.size(2) * input.size(3) > 64 * 64) throw std::bad_alloc();
                               largest = std::max<int>(largest, static_cast<int>(input.size(2) * input.size(3)));
                             },
                             {.tile = 512});
  CHECK(same(tight.upscale(image, {260, 180}), repeated(image, 2)));
  CHECK(largest > 0);
  const int first = calls;
  calls = 0;
  CHECK(same(tight.upscale(image, {260, 180}), repeated(image, 2)));
  CHECK(calls < first);  // it has learnt what fits
  Upscaler hopeless = repeating(2, [](const torch::Tensor&) { throw std::bad_alloc(); });
  CHECK(refusal(ErrorKind::memory, [&] {
          hopeless.upscale(image, {260, 180});
        }).find("out of memory") != std::string::npos);
  Upscaler faulty = repeating(2, [](const torch::Tensor&) { throw std::runtime_error("defect"); });
  CHECK_THROWS_WITH(faulty.upscale(image, {260, 180}), "defect");

  set_interrupted(true);
  CHECK(refusal(ErrorKind::interrupted, [&] { repeating(2).upscale(image, {260, 180}); }) != "was accepted");
  set_interrupted(false);

  // Progress never goes back and ends at 1, over tiles, passes and the alpha plane.
  for (const int channels : {1, 3, 4}) {
    double before = 0;
    Upscaler small = repeating(2, {}, {.tile = 32});
    small.upscale(noise(70, 50, channels, Depth::u8), {280, 200}, [&](double share) {
      CHECK(share >= before);
      CHECK(share <= 1 + 1e-9);
      before = share;
    });
    CHECK(before == doctest::Approx(1));
  }
  nlohmann::json odd = config;
  odd["scale"] = 2;
  odd["in_channels"] = odd["out_channels"] = 5;
  CHECK(refusal(ErrorKind::model, [&] { upscaler(odd); }).find("5") != std::string::npos);
  CHECK(refusal(ErrorKind::usage, [&] { upscaler(config, {.run = {.device = "tpu"}}); }).find("tpu") !=
        std::string::npos);
}

TEST_CASE("precision auto: int8 where the machine has it and the model's record says that it costs little") {
  const nlohmann::json config{{"channels", 16}, {"convs", 3}, {"scale", 2}, {"slope", 0.1}};
  const auto chosen = [&](double loss, UpscaleOptions options) {
    LoadedGenerator model = loaded(random_network("compact", config));
    auto record = nlohmann::json::parse(calibrate_int8(*model.network, torch::rand({4, 3, 24, 24})).record);
    if (loss >= 0) record["loss"] = loss;
    model.file.metadata[int8_metadata] = record.dump();
    return Upscaler(std::move(model), options).precision();
  };
  const std::string otherwise = engine_has_bf16() ? "bf16" : "fp32";
  CHECK(chosen(0.02, {}) == (engine_has_int8() ? "int8" : otherwise));
  CHECK(chosen(0.2, {}) == otherwise);
  CHECK(chosen(-1, {}) == otherwise);
  CHECK(chosen(0.02, {.tta = true}) == otherwise);
  CHECK(chosen(0.02, {.run = {.engine = "libtorch"}}) == otherwise);
  CHECK(chosen(0.02, {.run = {.precision = "fp32"}}) == "fp32");
}
