// Styles on whole pictures: tiles equal the whole, strength, masks, colours, transparency, frames; with small networks
// of random weights.
#include "ganvas/infer/stylizer.hpp"

#include <torch/torch.h>

#include <opencv2/core.hpp>

#include "ganvas/engine/engine.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/imaging/recolour.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "imaging/pictures.hpp"
#include "support/refusal.hpp"
#include "support/relative_error.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// Weights as at a training's start, with results around the middle of the range.
StyleNetworkPtr small_network(const std::string& name) {
  torch::manual_seed(7);
  for (const auto& plugin : style_network_plugins())
    if (plugin.name == name) return plugin.make(plugin.examples.front());
  FAIL("no such network");
  return nullptr;
}

Stylizer stylizer_of(const std::string& name, StylizeOptions options = {}) {
  options.run.precision = "fp32";
  options.run.threads = 1;
  return {small_network(name), options};
}

Style style_of(const Image& picture, double weight = 1, const Image& mask = {}) {
  Style style;
  style.picture = picture;
  style.weight = weight;
  style.mask = mask;
  return style;
}

Image styled(Stylizer stylizer, const Image& image, std::vector<Style> styles) {
  stylizer.set_styles(std::move(styles));
  return stylizer.stylize(image);
}

/// Dark on the left, bright on the right, with waves: tiles with statistics of their own would differ.
Image uneven_picture(int width, int height, int channels = 3, Depth depth = Depth::u8) {
  Image image = to_depth(noise(width, height, channels, Depth::u8), Depth::f32);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        float& value = image.pixels.ptr<float>(y)[x * channels + c];
        value =
            0.2F * value + (x < width / 2 ? 0.1F : 0.6F) + 0.1F * std::sin(0.07F * static_cast<float>(x + y * (c + 1)));
      }
  return to_depth(image, depth);
}

Image half_mask(int width, int height, bool left) {
  Image mask(width, height, 1, Depth::u8);
  mask.pixels.setTo(cv::Scalar(left ? 0 : 255));
  mask.pixels.colRange(0, width / 2).setTo(cv::Scalar(left ? 255 : 0));
  return mask;
}

const Image kStyle = noise(40, 36, 3, Depth::u8, 3), kOther = gradient(48, 30, 3, Depth::u8);

}  // namespace

TEST_CASE("stylizer: tiles give the picture of the whole, with every network and any size") {
  for (const auto& plugin : style_network_plugins())
    for (const auto& [width, height] : {std::pair{177, 121}, {33, 160}, {5, 3}, {1, 1}}) {
      CAPTURE(plugin.name);
      CAPTURE(width);
      const Image image = uneven_picture(width, height);
      StylizeOptions tiles;
      tiles.tile = 32;
      const Image whole = styled(stylizer_of(plugin.name), image, {style_of(kStyle)});
      CHECK(whole.width() == width);
      CHECK(whole.height() == height);
      CHECK(largest_difference(styled(stylizer_of(plugin.name, tiles), image, {style_of(kStyle)}), whole) <= 1);
      // And it is what the network itself gives.
      const StyleNetworkPtr network = small_network(plugin.name);
      network->eval();
      const torch::NoGradGuard no_grad;
      const StyleCode code = network->encode_style(padded_for(network->info(), tensor_from_image(kStyle.pixels)));
      const torch::Tensor direct = network->forward(tensor_from_image(image.pixels), code);
      CHECK(largest_difference(image_from_tensor(direct), whole) <= 1);
    }
}

TEST_CASE("stylizer: tiles give the picture of the whole in bf16 too, whose rounding shows how pixels are paired") {
  if (!engine_has_bf16()) {
    MESSAGE("skipped: no bf16 on this CPU");
    return;
  }
  // Thirds of 107 cells begin at odd ones where nothing keeps them from it.
  const Image image = uneven_picture(428, 60);
  const auto result = [&](int tile) {
    StylizeOptions options;
    options.run.precision = "bf16";
    options.run.threads = 1;
    options.tile = tile;
    torch::manual_seed(7);
    // Of the size that ships: convolutions of few channels aren't Winograd's.
    return styled(Stylizer(make_style_network("any-style", {}), options), image, {style_of(kStyle)});
  };
  const Image whole = result(1024);
  for (const int tile : {64, 140}) CHECK(largest_difference(result(tile), whole) <= 1);
}

TEST_CASE("stylizer: a compiled step keeps the digits of features of low contrast, in bf16 too") {
  const torch::NoGradGuard no_grad;
  const StyleNetworkPtr network = small_network("any-style");
  network->eval();
  StyleCode code = network->encode_style(torch::rand({1, 3, 48, 32}));
  code.at("mean2").zero_();  // beside a large mean no error would show
  code.at("deviation2").fill_(1);
  // Far from zero, as dark, bright or foggy pictures have them.
  const torch::Tensor features = 8 + 0.03 * torch::randn({1, network->info().channels, 40, 56});
  const StyleStatistics statistics = observe(features, Observation::moments);
  const torch::Tensor expected = network->apply(0, features, statistics, code);
  const GeneratorPtr step = network->plain_step(0, statistics, code);
  REQUIRE(step);
  for (const bool bf16 : {false, true}) {
    if (bf16 && !engine_has_bf16()) continue;
    std::string why;
    const auto engine = Engine::compile(*step, {.bf16 = bf16, .int8_record = {}, .compared = false}, why);
    if (!engine) {
      CHECK_MESSAGE(why == "built without oneDNN", why);
      MESSAGE("[skipped] ", why);
      return;
    }
    CHECK(relative_error(engine->run(features), expected) <= (bf16 ? 2e-4 : 1e-4));
  }
}

TEST_CASE("stylizer: a picture of little contrast is fp32's own, unless bf16 is asked for") {
  Image foggy = uneven_picture(96, 64);
  foggy.pixels.convertTo(foggy.pixels, -1, 0.04, 120);
  const auto result = [&](const char* precision) {
    StylizeOptions options;
    options.run.precision = precision;
    torch::manual_seed(7);
    return styled(Stylizer(make_style_network("any-style", {}), options), foggy, {style_of(kStyle)});
  };
  CHECK(same(result("auto"), result("fp32")));
  if (engine_has_bf16()) CHECK_FALSE(same(result("bf16"), result("fp32")));
}

TEST_CASE("stylizer: strength 0 is the picture to the bit, and more of it goes further") {
  const Image image = uneven_picture(60, 44, 3, Depth::u16);
  double before = -1;
  for (const double strength : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    StylizeOptions options;
    options.strength = strength;
    const Image result = styled(stylizer_of("any-style", options), image, {style_of(kStyle)});
    CHECK(result.depth() == Depth::u16);
    if (strength == 0) CHECK(same(result, image));
    const double distance = cv::norm(result.pixels, image.pixels, cv::NORM_L2);
    CHECK(distance > before);
    before = distance;
  }
}

TEST_CASE("stylizer: equal styles mixed are one, the weights' scale doesn't matter, and 0 leaves a style out") {
  const Image image = uneven_picture(64, 48);
  const Image one = styled(stylizer_of("any-style"), image, {style_of(kStyle)});
  CHECK(largest_difference(styled(stylizer_of("any-style"), image, {style_of(kStyle, 2), style_of(kStyle, 5)}), one) <=
        1);
  CHECK(same(styled(stylizer_of("any-style"), image, {style_of(kStyle, 3), style_of(kOther, 0)}), one));
  CHECK_FALSE(same(styled(stylizer_of("any-style"), image, {style_of(kStyle), style_of(kOther)}), one));
}

TEST_CASE("stylizer: a saved style stands for its picture") {
  const TemporaryFolder folder;
  const Image image = uneven_picture(64, 48);
  Stylizer stylizer = stylizer_of("any-style");
  stylizer.set_styles({style_of(kStyle, 1), style_of(kOther, 3)});
  const Image mixed = stylizer.stylize(image);
  stylizer.save_style(folder / "mixed.safetensors");
  stylizer.set_styles({stylizer.read_style(folder / "mixed.safetensors")});
  CHECK(same(stylizer.stylize(image), mixed));
}

TEST_CASE("stylizer: masks keep the content where they are black, and give each style its place") {
  const Image image = uneven_picture(64, 48);
  const Image left = half_mask(64, 48, true), right = half_mask(64, 48, false);
  const Image one = styled(stylizer_of("any-style"), image, {style_of(kStyle, 1, left)});
  CHECK(same(Image(one.pixels.colRange(32, 64)), Image(image.pixels.colRange(32, 64))));
  CHECK_FALSE(same(Image(one.pixels.colRange(0, 20)), Image(image.pixels.colRange(0, 20))));
  const Image two = styled(stylizer_of("any-style"), image, {style_of(kStyle, 1, left), style_of(kOther, 1, right)});
  // Six places away from the border the other region isn't seen.
  CHECK(largest_difference(Image(two.pixels.colRange(0, 8)), Image(one.pixels.colRange(0, 8))) <= 1);
  CHECK_FALSE(same(Image(two.pixels.colRange(40, 64)), Image(image.pixels.colRange(40, 64))));
  // Everywhere is no mask; a smaller one of the same shape is stretched, another shape is refused.
  Image all(32, 24, 1, Depth::u8);
  all.pixels.setTo(cv::Scalar(255));
  CHECK(largest_difference(styled(stylizer_of("any-style"), image, {style_of(kStyle, 1, all)}),
                           styled(stylizer_of("any-style"), image, {style_of(kStyle)})) <= 1);
  CHECK(says(refusal(ErrorKind::data,
                     [&] { styled(stylizer_of("any-style"), image, {style_of(kStyle, 1, half_mask(30, 30, true))}); }),
             {"30x30", "64x48"}));
}

TEST_CASE("stylizer: transparency stays, and what can't be seen changes nothing") {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    Image picture = with_alpha(uneven_picture(64, 48, 3, depth), Image(64, 48, 1, depth));
    Image alpha(64, 48, 1, depth);
    alpha.pixels.setTo(cv::Scalar(max_value(depth)));
    alpha.pixels.colRange(0, 32).setTo(cv::Scalar(0));
    picture = with_alpha(colour_part(picture), alpha);
    Image hidden = picture.clone();
    Image other = colour_part(hidden).clone();
    other.pixels.colRange(0, 32).setTo(cv::Scalar::all(max_value(depth) / 3));
    hidden = with_alpha(other, alpha);
    const Image a = styled(stylizer_of("any-style"), picture, {style_of(kStyle)});
    const Image b = styled(stylizer_of("any-style"), hidden, {style_of(kStyle)});
    CHECK(a.channels() == 4);
    CHECK(same(alpha_part(a), alpha));
    CHECK(largest_difference(Image(a.pixels.colRange(32, 64)), Image(b.pixels.colRange(32, 64))) <= 1);
  }
  const Image nothing = with_alpha(uneven_picture(20, 20), [] {
    Image clear(20, 20, 1, Depth::u8);
    clear.pixels.setTo(cv::Scalar(0));
    return clear;
  }());
  CHECK(same(styled(stylizer_of("any-style"), nothing, {style_of(kStyle)}), nothing));
}

TEST_CASE("stylizer: kept colours are the content's, and gray stays gray with them") {
  StylizeOptions luma;
  luma.keep_colour = KeepColour::luma;
  const Image image = uneven_picture(64, 48);
  // A little of the style, so that nothing is clipped.
  luma.strength = 0.2;
  const Image result = styled(stylizer_of("any-style", luma), image, {style_of(kStyle)});
  const auto chroma = [](const Image& picture) {
    const cv::Scalar mean = cv::mean(picture.pixels);
    const double y = 0.299 * mean[0] + 0.587 * mean[1] + 0.114 * mean[2];
    return cv::Vec2d(mean[0] - y, mean[2] - y);
  };
  CHECK(cv::norm(chroma(result) - chroma(image)) < 1);
  const Image gray = uneven_picture(40, 30, 1, Depth::u8);
  CHECK(styled(stylizer_of("any-style", luma), gray, {style_of(kStyle)}).channels() == 1);
  CHECK(styled(stylizer_of("any-style"), gray, {style_of(kStyle)}).channels() == 3);
  StylizeOptions match;
  match.keep_colour = KeepColour::match;
  const Image matched = with_colours(kStyle, colours_of(image));
  CHECK(largest_difference(styled(stylizer_of("any-style", match), image, {style_of(kStyle)}),
                           styled(stylizer_of("any-style"), image, {style_of(matched)})) <= 1);
}

TEST_CASE("stylizer: colours are matched as the published code does, but for its sums over pixels") {
  const auto file = shared_folder() / "weights/reference/adain-w8.io.safetensors";
  SKIP_WITHOUT(file);
  const StateDict pair = read_safetensors(file).tensors;
  const Image content(matrix_from_tensor(pair.at("input"))), style(matrix_from_tensor(pair.at("style")));
  const ColourStatistics wanted = colours_of(content);
  const cv::Mat ours = with_colours(style, wanted).pixels, theirs = matrix_from_tensor(pair.at("style_coral"));
  const double factor = std::sqrt(wanted.pixels / static_cast<double>(style.pixels.total()));
  const cv::Scalar mean(wanted.mean[0], wanted.mean[1], wanted.mean[2]);
  CHECK(cv::norm((ours - mean) * factor, theirs - mean, cv::NORM_INF) < 1e-4);
}

TEST_CASE("stylizer: larger pictures are seen at the work size, and the result has their size") {
  StylizeOptions options;
  options.work_size = 64;
  const Image large = resize(uneven_picture(128, 96), 256, 192);
  Stylizer stylizer = stylizer_of("any-style", options);
  stylizer.set_styles({style_of(kStyle)});
  const Image result = stylizer.stylize(large);
  CHECK(result.width() == 256);
  const Image small = resize(large, 64, 48, Interpolation::area);
  // The look is that of the small picture's result.
  const Image expected = stylizer.stylize(small), seen = resize(result, 64, 48, Interpolation::area);
  CHECK(cv::norm(seen.pixels, expected.pixels, cv::NORM_L1) / static_cast<double>(seen.pixels.total() * 3) < 6);
}

TEST_CASE("stylizer: with the first frame's statistics a shifted frame is a shifted result") {
  StylizeOptions options;
  options.steady = Steady::first;
  const Image scene = uneven_picture(120, 80);
  const Image first(scene.pixels.colRange(0, 96).clone()), second(scene.pixels.colRange(8, 104).clone());
  Stylizer stylizer = stylizer_of("any-style", options);
  stylizer.set_styles({style_of(kStyle)});
  const Image a = stylizer.stylize(first), b = stylizer.stylize(second);
  const cv::Rect inner(40, 32, 16, 16);
  CHECK(same(Image(a.pixels(inner + cv::Point(8, 0))), Image(b.pixels(inner))));
  // Its own statistics are others; a running mean lies between; at a cut it begins again.
  const Image own = styled(stylizer_of("any-style"), second, {style_of(kStyle)});
  CHECK_FALSE(same(own, b));
  options.steady = Steady::smooth;
  Stylizer smooth = stylizer_of("any-style", options);
  smooth.set_styles({style_of(kStyle)});
  smooth.stylize(first);
  const Image between = smooth.stylize(second);
  CHECK(cv::norm(between.pixels, b.pixels, cv::NORM_L2) < cv::norm(own.pixels, b.pixels, cv::NORM_L2));
  Image inverse;
  cv::subtract(cv::Scalar::all(255), second.pixels, inverse.pixels);
  CHECK(same(smooth.stylize(inverse), styled(stylizer_of("any-style"), inverse, {style_of(kStyle)})));
}

TEST_CASE("stylizer: poor styles give a picture, wrong ones a line") {
  const Image image = uneven_picture(40, 32);
  Image flat(30, 30, 3, Depth::u8), clear(30, 30, 1, Depth::u8);
  flat.pixels.setTo(cv::Scalar(200, 30, 60));
  clear.pixels.setTo(cv::Scalar(0));
  for (const Image& poor : {flat, noise(8, 1, 3, Depth::u8), noise(2, 3, 1, Depth::u16), noise(20, 20, 2, Depth::u8),
                            noise(20, 20, 4, Depth::u8), with_alpha(flat, clear)})
    for (const char* name : {"any-style", "adain", "lst"}) {
      CAPTURE(name);
      CHECK(styled(stylizer_of(name), image, {style_of(poor)}).pixels.size() == image.pixels.size());
    }
  const auto complaint = [&](std::vector<Style> styles, StylizeOptions options = {}) {
    return refusal(ErrorKind::usage, [&] { styled(stylizer_of("any-style", options), image, std::move(styles)); });
  };
  CHECK(says(complaint({}), {"needs the picture of a style"}));
  CHECK(says(complaint({style_of(kStyle, 0), style_of(kOther, 0)}), {"add up to 0"}));
  CHECK(says(complaint({style_of(kStyle, -1), style_of(kOther, 2)}), {"-1", "from 0 up"}));
  CHECK(says(complaint({style_of(kStyle, 1, half_mask(40, 32, true)), style_of(kOther)}), {"1 masks for 2 styles"}));
  StylizeOptions match;
  match.keep_colour = KeepColour::match;
  Style saved;
  saved.code = small_network("any-style")->encode_style(torch::zeros({1, 3, 8, 8}));
  CHECK(says(complaint({saved}, match), {"no picture whose colours"}));
}

TEST_CASE("stylizer: a network of one style takes strength, masks and colours, and no other style") {
  const auto one_style = [](StylizeOptions options = {}) {
    torch::manual_seed(3);
    LoadedGenerator model;
    model.network = make_generator("transformer-net", {{"width", 4}, {"blocks", 1}});
    model.network->eval();
    return Stylizer(std::move(model), options);
  };
  const Image image = uneven_picture(64, 48);
  StylizeOptions half;
  half.strength = 0.5;
  const Image full = styled(one_style(), image, {}), some = styled(one_style(half), image, {});
  cv::Mat mean;
  cv::addWeighted(image.pixels, 0.5, full.pixels, 0.5, 0, mean, CV_8U);
  CHECK(cv::norm(mean, some.pixels, cv::NORM_INF) <= 1);
  Style place;
  place.mask = half_mask(64, 48, true);
  const Image masked = styled(one_style(), image, {place});
  CHECK(same(Image(masked.pixels.colRange(32, 64)), Image(image.pixels.colRange(32, 64))));
  CHECK(same(Image(masked.pixels.colRange(0, 30)), Image(full.pixels.colRange(0, 30))));
  CHECK(says(refusal(ErrorKind::usage, [&] { styled(one_style(), image, {style_of(kStyle)}); }), {"takes no other"}));
  StylizeOptions steady;
  steady.steady = Steady::first;
  CHECK(says(refusal(ErrorKind::usage, [&] { one_style(steady); }), {"no statistics from other frames"}));
}
