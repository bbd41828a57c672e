// Networks that give a picture the style of another: the promises of the registry, and the outputs of the published
// code.
#include "ganvas/nn/style_network.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/weights.hpp"
#include "nn/sweep.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
namespace fs = std::filesystem;
using test::relative_error;
using torch::Tensor;

namespace {

std::vector<StyleNetworkPtr> all_style_examples() {
  std::vector<StyleNetworkPtr> networks;
  for (const auto& plugin : style_network_plugins())
    for (const auto& config : plugin.examples) {
      torch::manual_seed(1);
      networks.push_back(plugin.make(config));
      networks.back()->eval();
    }
  return networks;
}

/// A published network in its files, and what its code made of a picture.
struct StyleReference {
  StyleReference(const std::string& name, const std::vector<std::string>& parts) {
    const fs::path folder = test::shared_folder() / "weights/reference";
    for (const auto& part : parts) files.push_back(folder / (name + "-" + part + ".pth"));
    network = load_style_network(files);
    pair = read_safetensors(folder / (name + ".io.safetensors")).tensors;
  }
  double error(const Tensor& actual, const char* key = "output") const { return relative_error(actual, pair.at(key)); }
  StyleCode code(const char* key = "style") const {
    return network->encode_style(padded_for(network->info(), pair.at(key)));
  }

  std::vector<fs::path> files;
  StyleNetworkPtr network;
  StateDict pair;
};

const std::vector<std::string> microast_parts{"decoder", "content_encoder", "modulator", "style_encoder"};
const std::vector<std::string> lst_parts{"r31", "vgg_r31", "dec_r31"};
const std::vector<std::string> adain_parts{"decoder", "vgg_normalised"};

}  // namespace

TEST_CASE("style networks: pictures keep their size, gradients reach every weight, the same network from its config") {
  for (const auto& network : all_style_examples()) {
    CAPTURE(network->architecture());
    CHECK(make_style_network(network->architecture(), network->config())->config() == network->config());
    const StyleNetworkInfo info = network->info();
    torch::manual_seed(2);
    for (const auto& [height, width] : {std::pair{1, 1}, {3, 30}, {33, 42}}) {
      const Tensor content = torch::rand({2, 3, height, width}), style = torch::rand({2, 3, 40, 32});
      const StyleCode code = network->encode_style(padded_for(info, style));
      const Tensor result = network->forward(content, code);
      CHECK(result.sizes() == content.sizes());
      CHECK(result.isfinite().all().item<bool>());
    }
    const Tensor content = torch::rand({2, 3, 24, 32}), style = torch::rand({2, 3, 40, 32});
    const Tensor result = network->forward(content, network->encode_style(style));
    (result * torch::randn_like(result)).sum().backward();
    for (const auto& item : network->named_parameters()) {
      CAPTURE(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
    }
  }
}

TEST_CASE("style networks: found again from their own state dict and file, one picture alone as in a batch") {
  const torch::NoGradGuard no_grad;
  const test::TemporaryFolder folder;
  for (const auto& network : all_style_examples()) {
    CAPTURE(network->architecture());
    ModelFile bare;
    bare.weights = state_dict_of(*network);
    const StyleNetworkPtr found = style_network_from({{"the network itself", bare}});
    REQUIRE(found);
    CHECK(found->architecture() == network->architecture());
    CHECK(found->config() == network->config());
    save_style_network(folder / "own.safetensors", *network);
    const StyleNetworkPtr read = load_style_network({folder / "own.safetensors"});
    REQUIRE(read);
    torch::manual_seed(3);
    const Tensor content = torch::rand({3, 3, 24, 32}), style = torch::rand({3, 3, 40, 32});
    const Tensor both = network->forward(content, network->encode_style(style));
    CHECK(torch::equal(read->forward(content, read->encode_style(style)), both));
    const Tensor alone = network->forward(content.narrow(0, 1, 1), network->encode_style(style.narrow(0, 1, 1)));
    CHECK(relative_error(alone, both.narrow(0, 1, 1)) <= 1e-5);
  }
}

TEST_CASE("any-style: begins as a transfer of colours, with a picture in its own style as it was") {
  torch::manual_seed(8);
  const torch::NoGradGuard no_grad;
  const StyleNetworkPtr network = make_style_network("any-style", {});
  const auto smooth = [](double low, double high) {
    return low + (high - low) * torch::upsample_bicubic2d(torch::rand({1, 3, 9, 9}), {64, 72}, false).clamp(0, 1);
  };
  const Tensor content = smooth(0.1, 0.9), style = smooth(0.3, 0.6);
  const double own =
      (network->forward(content, network->encode_style(content)) - content).square().mean().item<double>();
  CHECK(-10 * std::log10(own) > 35);
  const Tensor result = network->forward(content, network->encode_style(style));
  CHECK((result.mean({0, 2, 3}) - style.mean({0, 2, 3})).abs().max().item<double>() < 0.02);
  CHECK((result.std({0, 2, 3}) - style.std({0, 2, 3})).abs().max().item<double>() < 0.02);
}

TEST_CASE("style networks: a blend of equal styles is the style, and shares of two lie between them") {
  const torch::NoGradGuard no_grad;
  for (const auto& network : all_style_examples()) {
    CAPTURE(network->architecture());
    torch::manual_seed(4);
    const Tensor content = torch::rand({1, 3, 24, 32});
    const StyleCode a = network->encode_style(torch::rand({1, 3, 32, 32}));
    const StyleCode b = network->encode_style(torch::rand({1, 3, 32, 32}).square());
    const Tensor one = network->forward(content, a);
    CHECK(relative_error(network->forward(content, blended({{a, 0.3}, {a, 0.7}})), one) <= 1e-5);
    const StyleCode mixed = blended({{a, 0.25}, {b, 0.75}});
    for (const auto& [name, values] : mixed)
      CHECK(torch::allclose(values, a.at(name) / 4 + b.at(name) * 3 / 4, 1e-4, 1e-6));
  }
}

TEST_CASE("style networks: statistics of parts add up, and weights leave places out") {
  torch::manual_seed(5);
  const Tensor x = torch::randn({1, 4, 9, 7}) * 3 + 10;
  for (const auto what : {Observation::moments, Observation::products}) {
    const StyleStatistics whole = observe(x, what);
    const StyleStatistics parts =
        merged(merged(StyleStatistics{}, observe(x.narrow(2, 0, 2), what)), observe(x.narrow(2, 2, 7), what));
    const Tensor mask = torch::cat({torch::ones({1, 1, 4, 7}), torch::zeros({1, 1, 5, 7})}, 2);
    const StyleStatistics masked = observe(x, what, mask), cut = observe(x.narrow(2, 0, 4), what);
    CHECK(parts.count == 63);
    CHECK(masked.count == 28);
    const bool moments = what == Observation::moments;
    const auto values = [&](const StyleStatistics& s) {
      return moments ? torch::cat({s.mean, s.variance}) : s.products;
    };
    CHECK(relative_error(values(parts), values(whole)) <= 1e-5);
    CHECK(relative_error(values(masked), values(cut)) <= 1e-5);
  }
  const Tensor flat = x.flatten(2).to(torch::kDouble);
  CHECK(relative_error(observe(x, Observation::moments).deviation().flatten(),
                       (flat.var(2, true) + 1e-5).sqrt().flatten()) <= 1e-5);
  CHECK(observe(x, Observation::moments, torch::zeros({1, 1, 9, 7})).deviation().isfinite().all().item<bool>());
}

TEST_CASE("style networks: a step as a plain network is the step") {
  const torch::NoGradGuard no_grad;
  int seen = 0;
  for (const auto& network : all_style_examples()) {
    CAPTURE(network->architecture());
    torch::manual_seed(7);
    Tensor x = network->encode(torch::rand({1, 3, 40, 56}));
    const StyleCode code = network->encode_style(torch::rand({1, 3, 48, 32}));
    for (std::size_t i = 0; i < network->info().steps.size(); ++i) {
      const int step = static_cast<int>(i);
      const StyleStatistics statistics =
          observe(network->observed(step, x), network->info().steps[i].observes, /*weights=*/{});
      const Tensor expected = network->apply(step, x, statistics, code);
      if (const GeneratorPtr plain = network->plain_step(step, statistics, code)) {
        ++seen;
        CHECK(relative_error(plain->forward(x), expected) < 1e-5);
      }
      x = expected;
    }
  }
  CHECK(seen >= 4);
}

TEST_CASE("style networks: what the info says of reach is enough to cut a picture anywhere") {
  const torch::NoGradGuard no_grad;
  for (const auto& network : all_style_examples()) {
    CAPTURE(network->architecture());
    const StyleNetworkInfo info = network->info();
    const int cells = (info.encode_reach + info.cell - 1) / info.cell, side = (2 * cells + 3) * info.cell;
    torch::manual_seed(6);
    Tensor a = torch::rand({1, 3, side, side}), b = torch::rand({1, 3, side, side});
    const int begin = cells * info.cell - info.encode_reach, length = info.cell + 2 * info.encode_reach;
    b.narrow(2, begin, length).narrow(3, begin, length).copy_(a.narrow(2, begin, length).narrow(3, begin, length));
    const auto place = [&](const Tensor& x) { return network->encode(x).select(2, cells).select(2, cells); };
    CHECK(torch::allclose(place(a), place(b), 1e-4, 1e-6));
    const int places = 2 * info.decode_reach + 3;
    Tensor c = torch::rand({1, info.channels, places, places}), d = torch::rand_like(c);
    const int near = 2 * info.decode_reach + 1;
    d.narrow(2, 0, near).narrow(3, 0, near).copy_(c.narrow(2, 0, near).narrow(3, 0, near));
    const auto pixels = [&](const Tensor& x) {
      const int from = info.decode_reach * info.cell;
      return network->decode(x).narrow(2, from, info.cell).narrow(3, from, info.cell);
    };
    CHECK(torch::allclose(pixels(c), pixels(d), 1e-4, 1e-6));
  }
}

TEST_CASE("style networks: saved styles come back, and only to their own network") {
  const torch::NoGradGuard no_grad;
  const test::TemporaryFolder folder;
  const auto networks = all_style_examples();
  const StyleNetwork& first = *networks.front();
  const StyleCode code = networks.front()->encode_style(torch::rand({1, 3, 32, 32}));
  save_style_code(folder / "a.safetensors", first, code);
  const StyleCode read = load_style_code(folder / "a.safetensors", first);
  for (const auto& [name, values] : code) CHECK(torch::equal(read.at(name), values));
  const auto other = make_style_network(first.architecture(), first.config());
  CHECK(test::refusal(ErrorKind::model, [&] {
          load_style_code(folder / "a.safetensors", *other);
        }).find("another network") != std::string::npos);
  save_style_network(folder / "b.safetensors", first);
  CHECK(test::refusal(ErrorKind::model, [&] { load_style_code(folder / "b.safetensors", first); }).find("neither") !=
        std::string::npos);
}

TEST_CASE("style networks: published networks give the outputs of the original code") {
  SKIP_WITHOUT(test::shared_folder() / "weights/reference/adain-w8.io.safetensors");
  const torch::NoGradGuard no_grad;
  for (const auto& [name, architecture, parts] : {std::tuple{"adain-w8", "adain", adain_parts},
                                                  {"lst-r31-w8", "lst", lst_parts},
                                                  {"microast-w4", "microast", microast_parts},
                                                  {"microast-official", "microast", microast_parts}}) {
    CAPTURE(name);
    const StyleReference reference(name, parts);
    REQUIRE(reference.network);
    CHECK(reference.network->architecture() == architecture);
    CHECK(reference.error(reference.network->forward(reference.pair.at("input"), reference.code())) <= 1e-4);
  }
}

TEST_CASE(
    "style networks: AdaIN's features, strength and blend, LST's and MicroAST's codes are those of the original code") {
  SKIP_WITHOUT(test::shared_folder() / "weights/reference/adain-w8.io.safetensors");
  const torch::NoGradGuard no_grad;
  const StyleReference adain("adain-w8", adain_parts);
  const StyleCode code = adain.code();
  const Tensor x = adain.network->encode(adain.pair.at("input"));
  CHECK(adain.error(x, "features") <= 1e-4);
  const Tensor t = adain.network->apply(0, x, observe(x, Observation::moments), code);
  CHECK(adain.error(t, "transferred") <= 1e-4);
  CHECK(adain.error(adain.network->decode((t + x) / 2), "output_strength_0.5") <= 1e-4);
  const StyleCode mixed = blended({{code, 0.75}, {adain.code("style2"), 0.25}});
  CHECK(adain.error(adain.network->forward(adain.pair.at("input"), mixed), "output_blend_3_1") <= 1e-4);

  const StyleReference lst("lst-r31-w8", lst_parts);
  Tensor y = lst.network->encode(lst.pair.at("input"));
  CHECK(lst.error(y, "features") <= 1e-4);
  const StyleCode matrix = lst.code();
  for (int step = 0; step < 2; ++step)
    y = lst.network->apply(step, y, observe(lst.network->observed(step, y), lst.network->info().steps[step].observes),
                           matrix);
  CHECK(lst.error(y, "transferred") <= 1e-4);

  const StyleReference microast("microast-official", microast_parts);
  for (const char* signal : {"weight1", "bias1", "weight2", "bias2"})
    CHECK(microast.error(microast.code().at(signal), signal) <= 1e-4);
}

TEST_CASE("style networks: parts that are missing, double or foreign are refused by name") {
  SKIP_WITHOUT(test::shared_folder() / "weights/reference/adain-w8.io.safetensors");
  const fs::path folder = test::shared_folder() / "weights/reference";
  const auto said = [&](const std::vector<std::string>& names) {
    std::vector<fs::path> paths;
    for (const auto& name : names) paths.push_back(folder / (name + ".pth"));
    return test::refusal(ErrorKind::model, [&] { load_style_network(paths); });
  };
  const auto holds = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(holds(said({"adain-w8-decoder"}), "encoder is missing"));
  CHECK(holds(said({"adain-w8-decoder", "../vgg19-relu3_1"}), "not the normalised VGG"));
  CHECK(holds(said({"../vgg19-relu3_1", "adain-w8-decoder"}), "not the normalised VGG"));
  CHECK(holds(said({"lst-r31-w8-r31", "lst-r31-w8-vgg_r31"}), "decoder (dec_r31.pth or dec_r41.pth) is missing"));
  CHECK(holds(said({"microast-w4-modulator", "microast-w4-decoder"}), "style_encoder is missing"));
  CHECK(holds(said({"microast-w4-modulator", "microast-w4-modulator"}), "both the modulator"));
  CHECK(holds(said({"adain-w8-decoder", "compact-x2"}), "no part of a style network"));
  CHECK(load_style_network({folder / "compact-x2.pth"}) == nullptr);
}
