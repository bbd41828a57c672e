// The same weights under every published set of names are the same network.
#include <regex>

#include "ganvas/core/error.hpp"
#include "nn/sweep.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::relative_error;

namespace {

using Rules = std::vector<std::pair<const char*, const char*>>;

/// Renames by the first rule (a regular expression) that fits a whole key.
StateDict under_names(const StateDict& weights, const Rules& rules) {
  StateDict result;
  for (const auto& [key, tensor] : weights) {
    std::string name = key;
    for (const auto& [pattern, replacement] : rules) {
      if (!std::regex_match(key, std::regex(pattern))) continue;
      name = std::regex_replace(key, std::regex(pattern), replacement);
      break;
    }
    result.set(name, tensor.clone());
  }
  return result;
}

GeneratorPtr random_network(const std::string& architecture, const nlohmann::json& config) {
  torch::manual_seed(5);
  GeneratorPtr network = make_generator(architecture, config);
  const torch::NoGradGuard no_grad;
  // Initial weights leave the body's share of the output too small to notice a mix-up there.
  for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.15);
  network->eval();
  return network;
}

LoadedGenerator loaded_from(StateDict weights) {
  ModelFile file;
  file.weights = std::move(weights);
  return generator_from(std::move(file), "test");
}

const Rules old_rrdb{{R"(conv_first\.(\w+))", "model.0.$1"},
                     {R"(body\.(\d+)\.rdb(\d)\.conv1x1\.(\w+))", "model.1.sub.$1.RDB$2.conv1x1.$3"},
                     {R"(body\.(\d+)\.rdb(\d)\.conv(\d)\.(\w+))", "model.1.sub.$1.RDB$2.conv$3.0.$4"},
                     {R"(conv_body\.(\w+))", "model.1.sub.2.$1"},
                     {R"(conv_up1\.(\w+))", "model.3.$1"},
                     {R"(conv_up2\.(\w+))", "model.6.$1"}};
const Rules trunk_rrdb{{R"(body\.(\d+)\.rdb(\d)\.(\w+)\.(\w+))", "RRDB_trunk.$1.RDB$2.$3.$4"},
                       {R"(conv_body\.(\w+))", "trunk_conv.$1"},
                       {R"(conv_up(\d)\.(\w+))", "upconv$1.$2"},
                       {R"(conv_hr\.(\w+))", "HRconv.$1"}};
const Rules official_frame{{R"(conv_first\.(\w+))", "head.0.$1"},
                           {R"(conv_after_body\.(\w+))", "body.2.$1"},
                           {R"(upsample\.(\d)\.(\w+))", "tail.0.$1.$2"},
                           {R"(conv_last\.(\w+))", "tail.1.$1"}};

Rules operator+(Rules a, const Rules& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Rules official_edsr = Rules{{R"(body\.(\d+)\.conv1\.(\w+))", "body.$1.body.0.$2"},
                                  {R"(body\.(\d+)\.conv2\.(\w+))", "body.$1.body.2.$2"}} +
                            official_frame;
const Rules official_rcan =
    Rules{
        {R"(body\.(\d+)\.residual_group\.(\d+)\.rcab\.([02])\.(\w+))", "body.$1.body.$2.body.$3.$4"},
        {R"(body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.1\.(\w+))", "body.$1.body.$2.body.3.conv_du.0.$3"},
        {R"(body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.3\.(\w+))", "body.$1.body.$2.body.3.conv_du.2.$3"},
        {R"(body\.(\d+)\.conv\.(\w+))", "body.$1.body.3.$2"}} +
    official_frame;

/// sub_mean and add_mean as the authors' code stores them.
void add_mean_shift(StateDict& weights, double range, const std::vector<double>& mean) {
  const torch::Tensor identity = torch::eye(3).view({3, 3, 1, 1}), bias = torch::tensor(mean, torch::kDouble) * range;
  weights.set("sub_mean.weight", identity);
  weights.set("sub_mean.bias", (-bias).to(torch::kFloat));
  weights.set("add_mean.weight", identity);
  weights.set("add_mean.bias", bias.to(torch::kFloat));
}

}  // namespace

TEST_CASE("layouts: RRDBNet is the same network under each of its four sets of names") {
  const torch::NoGradGuard no_grad;
  for (const int scale : {1, 2, 4})
    for (const bool plus : {false, true}) {
      CAPTURE(scale);
      CAPTURE(plus);
      const GeneratorPtr network =
          random_network("rrdbnet", {{"channels", 8}, {"growth", 5}, {"blocks", 2}, {"scale", scale}, {"plus", plus}});
      const torch::Tensor input = test::picture(*network, 9, 12), expected = network->forward(input);
      const int ups = scale / 2;
      const std::string hr = fmt::format("model.{}.$1", 3 * ups + 2), last = fmt::format("model.{}.$1", 3 * ups + 4);
      const Rules old = old_rrdb + Rules{{R"(conv_hr\.(\w+))", hr.c_str()}, {R"(conv_last\.(\w+))", last.c_str()}};
      for (const auto& [rules, layout] :
           {std::pair{Rules{}, "Real-ESRGAN"}, {old, "ESRGAN (old)"}, {trunk_rrdb, "ESRGAN, BSRGAN"}}) {
        CAPTURE(layout);
        const LoadedGenerator loaded = loaded_from(under_names(state_dict_of(*network), rules));
        CHECK(loaded.layout == (plus ? "ESRGAN+" : layout));
        CHECK(loaded.network->config() == network->config());
        CHECK(torch::equal(loaded.network->forward(input), expected));
      }
    }
}

TEST_CASE("layouts: an unshuffled input is recognised by its channels") {
  const GeneratorPtr network = random_network(
      "rrdbnet", {{"channels", 8}, {"growth", 4}, {"blocks", 1}, {"scale", 2}, {"unshuffle", 2}, {"in_channels", 1}});
  const LoadedGenerator loaded = loaded_from(under_names(state_dict_of(*network), trunk_rrdb));
  CHECK(loaded.network->config() == network->config());
  CHECK(loaded.network->info().multiple == 2);
}

TEST_CASE("layouts: RRDBNet of scale 3 is kept by our own files") {
  // By its keys it can't be told from scale 2.
  const test::TemporaryFolder folder;
  const GeneratorPtr network = random_network("rrdbnet", {{"channels", 8}, {"growth", 4}, {"blocks", 1}, {"scale", 3}});
  save_generator(folder / "x3.safetensors", *network);
  const LoadedGenerator loaded = load_generator(folder / "x3.safetensors");
  const torch::NoGradGuard no_grad;
  const torch::Tensor input = test::picture(*network, 5, 4), output = loaded.network->forward(input);
  CHECK(output.sizes().vec() == std::vector<std::int64_t>{1, 3, 15, 12});
  CHECK(torch::equal(output, network->forward(input)));
}

TEST_CASE("layouts: MSRResNet under the names of MMSR") {
  const GeneratorPtr network = random_network("msrresnet", {{"channels", 8}, {"blocks", 3}, {"scale", 4}});
  const LoadedGenerator loaded = loaded_from(
      under_names(state_dict_of(*network), {{R"(body\.(.*))", "recon_trunk.$1"}, {R"(conv_hr\.(\w+))", "HRconv.$1"}}));
  CHECK(loaded.layout == "MMSR");
  CHECK(test::equal_bits(state_dict_of(*loaded.network), state_dict_of(*network)));
}

TEST_CASE("layouts: EDSR and RCAN under the authors' names: with a stored mean 0 .. 255, without one 0 .. 1") {
  const torch::NoGradGuard no_grad;
  for (const int scale : {1, 2, 3, 4, 8})
    for (const bool rcan : {false, true})
      for (const bool stored_mean : {false, true}) {
        CAPTURE(scale);
        CAPTURE(rcan);
        CAPTURE(stored_mean);
        nlohmann::json config{{"channels", 8}, {"blocks", rcan ? 3 : 2}, {"scale", scale}};
        if (rcan) config.update({{"groups", 2}, {"reduction", 4}});
        if (!stored_mean) config.update({{"img_range", 1.0}, {"mean", {0.0, 0.0, 0.0}}});
        const GeneratorPtr network = random_network(rcan ? "rcan" : "edsr", config);
        const torch::Tensor input = test::picture(*network, 7, 10), expected = network->forward(input);
        StateDict official = under_names(state_dict_of(*network), rcan ? official_rcan : official_edsr);
        if (stored_mean) add_mean_shift(official, 255.0, {0.4488, 0.4371, 0.4040});
        const LoadedGenerator loaded = loaded_from(std::move(official));
        CHECK(loaded.network->architecture() == network->architecture());
        const double range = stored_mean ? 255.0 : 1.0;
        CHECK(loaded.network->info().value_range == range);
        CHECK(loaded.network->info().scale == scale);
        CHECK(loaded.network->config().contains("mean") == !stored_mean);
        CHECK(relative_error(loaded.network->forward(input * range) / range, expected) <= 1e-5);
      }
}

TEST_CASE("layouts: RCAN behind a pixel unshuffle, as traiNNer-redux stores it") {
  const torch::NoGradGuard no_grad;
  for (const int unshuffle : {2, 4}) {
    CAPTURE(unshuffle);
    const GeneratorPtr network = random_network("rcan", {{"channels", 8},
                                                         {"groups", 2},
                                                         {"blocks", 3},
                                                         {"reduction", 4},
                                                         {"scale", 4 / unshuffle},
                                                         {"unshuffle", unshuffle},
                                                         {"img_range", 1.0},
                                                         {"mean", {0.0, 0.0, 0.0}}});
    StateDict stored =
        under_names(state_dict_of(*network), Rules{{R"(conv_first\.(\w+))", "head.1.$1"}} + official_rcan);
    const LoadedGenerator loaded = loaded_from(std::move(stored));
    CHECK(loaded.network->config() == network->config());
    CHECK(loaded.network->info().multiple == unshuffle);
    const torch::Tensor input = test::picture(*network, 7, 10);
    CHECK(torch::equal(loaded.network->forward(input), network->forward(input)));
  }
}

TEST_CASE("layouts: mean shifts of other colours and ranges are kept") {
  const torch::NoGradGuard no_grad;
  const std::vector<double> mean{0.5, 0.25, 0.125};
  const GeneratorPtr network =
      random_network("edsr", {{"channels", 8}, {"blocks", 2}, {"scale", 2}, {"mean", mean}, {"img_range", 1.0}});
  StateDict official = under_names(state_dict_of(*network), official_edsr);
  add_mean_shift(official, 1.0, mean);
  const LoadedGenerator loaded = loaded_from(std::move(official));
  CHECK(loaded.network->config() == network->config());
  const torch::Tensor input = test::picture(*network, 6, 6);
  CHECK(torch::equal(loaded.network->forward(input), network->forward(input)));
}

TEST_CASE("layouts: EDSR's large network scales its residuals by 0.1") {
  StateDict weights;
  const auto layer = [&](const std::string& stem, int out, int in) {
    weights.set(stem + ".weight", torch::zeros({out, in, 3, 3}));
    weights.set(stem + ".bias", torch::zeros({out}));
  };
  layer("conv_first", 256, 3);
  for (int i = 0; i < 32; ++i) {
    layer(fmt::format("body.{}.conv1", i), 256, 256);
    layer(fmt::format("body.{}.conv2", i), 256, 256);
  }
  layer("conv_after_body", 256, 256);
  layer("upsample.0", 1024, 256);
  layer("conv_last", 3, 256);
  const std::optional<Detected> found = generator_plugin("edsr").detect(weights);
  REQUIRE(found);
  CHECK(found->config["res_scale"] == 0.1);
  CHECK(found->config["scale"] == 2);
}
