// Every property that a registered network promises, over the registry: a new plug-in is tested by its examples.
#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "nn/sweep.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::all_examples;
using ganvas::test::picture;
using ganvas::test::relative_error;

TEST_CASE("generators: every plug-in has examples and describes itself") {
  for (const auto& plugin : generator_plugins()) {
    CAPTURE(plugin.name);
    CHECK_FALSE(plugin.summary.empty());
    // A graph is whatever a file says.
    CHECK(plugin.examples.empty() == (plugin.name == "graph"));
    CHECK(generator_plugin(plugin.name).name == plugin.name);
  }
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const GeneratorPtr network = example.make();
    CHECK(network->architecture() == example.plugin->name);
    // The full configuration makes the same network again.
    const GeneratorPtr again = make_generator(network->architecture(), network->config());
    CHECK(again->config() == network->config());
    for (const auto& [key, value] : example.config.items()) CHECK(network->config().at(key) == value);
  }
}

TEST_CASE("generators: output is scale times the input, finite and repeatable, for any size") {
  const torch::NoGradGuard no_grad;
  for (const auto& example : all_examples()) {
    const GeneratorPtr network = example.make();
    network->eval();
    const GeneratorInfo info = network->info();
    for (const auto& [height, width] : {std::pair{1, 1}, {1, 5}, {2, 3}, {3, 2}, {17, 13}}) {
      CAPTURE(example.name());
      CAPTURE(height);
      CAPTURE(width);
      const torch::Tensor input = picture(*network, height, width);
      const torch::Tensor before = input.clone();
      const torch::Tensor output = network->forward(input);
      CHECK(output.sizes().vec() ==
            std::vector<std::int64_t>{1, info.out_channels, height * info.scale, width * info.scale});
      CHECK(output.isfinite().all().item<bool>());
      CHECK(torch::equal(output, network->forward(input)));
      CHECK(torch::equal(input, before));
    }
  }
}

TEST_CASE("generators: gradients reach every weight and are finite") {
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const GeneratorPtr network = example.make();
    network->train();
    const torch::Tensor input = picture(*network, 9, 7).requires_grad_();
    network->forward(input).pow(2).sum().backward();
    CHECK(input.grad().isfinite().all().item<bool>());
    for (const auto& item : network->named_parameters()) {
      if (!item.value().requires_grad()) continue;
      CAPTURE(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
    }
  }
}

namespace {

/// All gradients of a network in one row, of a step in mixed precision or in fp32.
torch::Tensor gradients(const ganvas::test::Example& example, bool mixed) {
  const GeneratorPtr network = example.make();
  network->eval();  // a batch norm over a handful of places makes much of any rounding
  const torch::Tensor input = picture(*network, 12, 10);
  torch::Tensor output;
  {
    const AutocastScope autocast(mixed, /*cuda=*/false);
    output = network->forward(input).to(torch::kFloat);
  }
  output.pow(2).sum().backward();
  std::vector<torch::Tensor> parts;
  for (const auto& parameter : network->parameters())
    if (parameter.grad().defined()) parts.push_back(parameter.grad().flatten());
  return torch::cat(parts);
}

}  // namespace

TEST_CASE("generators: in mixed precision gradients are nearly those of fp32") {
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const torch::Tensor exact = gradients(example, false), rough = gradients(example, true);
    REQUIRE(exact.sizes() == rough.sizes());
    CHECK(rough.isfinite().all().item<bool>());
    CHECK((torch::dot(exact, rough) / (exact.norm() * rough.norm())).item<double>() > 0.9);
  }
}

TEST_CASE("generators: gradients are those of finite differences") {
  // In-place activations must not spoil what autograd kept.
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const GeneratorPtr network = example.make();
    network->eval();  // a batch norm's statistics would hide what single pixels do
    const torch::Tensor input = picture(*network, 6, 5).requires_grad_();
    const torch::Tensor direction = torch::randn_like(input);
    network->forward(input).sum().backward();
    const double slope = (input.grad() * direction).sum().to(torch::kDouble).item<double>();
    const torch::NoGradGuard no_grad;
    // Short steps where values are large: behind norms over a handful of places the result is far from straight.
    const double range = network->info().value_range, step = 1e-3 * std::sqrt(range);
    const auto at = [&](double t) {
      return network->forward(input + t * direction).to(torch::kDouble).sum().item<double>();
    };
    const double difference = (at(step) - at(-step)) / (2 * step);
    CHECK(difference == doctest::Approx(slope).epsilon(0.03).scale(1.0));
  }
}

TEST_CASE("generators: saved and loaded, the weights have equal bits and the configuration is the same") {
  const test::TemporaryFolder folder;
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const GeneratorPtr network = example.make();
    network->eval();
    for (const char* name : {"a.safetensors", "a.pth"}) {
      CAPTURE(name);
      save_generator(folder / name, *network);
      const LoadedGenerator loaded = load_generator(folder / name);
      const Generator& expected = *network;
      CHECK(loaded.network->architecture() == network->architecture());
      CHECK(test::equal_bits(state_dict_of(*loaded.network), state_dict_of(expected)));
      const torch::NoGradGuard no_grad;
      const torch::Tensor input = picture(*network, 11, 8);
      CHECK(relative_error(loaded.network->forward(input), network->forward(input)) <= 1e-5);
      // A .pth has no place for the configuration: there it comes from the keys.
      if (std::string(name) == "a.safetensors") CHECK(loaded.network->config() == expected.config());
    }
  }
}

TEST_CASE("generators: a network's own state dict is recognised from keys and shapes alone") {
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const GeneratorPtr network = example.make();
    const StateDict weights = state_dict_of(*network);
    int matches = 0;
    for (const auto& plugin : generator_plugins()) {
      CAPTURE(plugin.name);
      const std::optional<Detected> found = plugin.detect(weights);
      CHECK(found.has_value() == (&plugin == example.plugin));
      if (!found) continue;
      ++matches;
      const GeneratorPtr again = plugin.make(found->config);
      nlohmann::json expected = network->config();
      nlohmann::json recognised = again->config();
      expected.erase("slope");      // compact: fixed slopes are stored like trained ones
      if (plugin.name == "unet") {  // dropout has no weights
        expected.erase("dropout");
        recognised.erase("dropout");
      }
      CHECK(recognised == expected);
      CHECK(test::equal_bits(found->weights, weights));
    }
    CHECK(matches == 1);
  }
}

namespace {

/// Weights for which every activation passes its input on and nothing cancels: each input pixel within reach then has
/// a positive gradient, however small.
void make_all_positive(Generator& network) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network.parameters()) {
    const double fan_in = static_cast<double>(parameter.numel() / parameter.size(0));
    parameter.uniform_(0.5, 1.0);
    if (parameter.dim() == 4 || parameter.dim() == 2) parameter.div_(fan_in);
  }
  // Where a sampler looks is no property of the network but of its weights; trained ones stay near their start.
  for (const auto& item : network.named_parameters())
    if (item.key().find("offset.") != std::string::npos) item.value().mul_(1e-6);
  network.weights_changed();
}

}  // namespace

TEST_CASE("generators: the declared halo is exactly the receptive field") {
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const GeneratorPtr network = example.make();
    const GeneratorInfo info = network->info();
    if (info.global) continue;
    // Training mode of the network alone: what clamps its result in use would hide the reach.
    network->train();
    for (const auto& part : network->modules(/*include_self=*/false)) part->eval();
    network->to(torch::kDouble);
    make_all_positive(*network);
    const std::int64_t multiple = info.multiple, start = (info.halo + 2 * multiple) / multiple * multiple;
    const std::int64_t size = 2 * start + multiple;
    int reached = 0;
    // With an inner multiple the reach depends on the pixel's place in its cell.
    for (std::int64_t x = start; x < start + multiple; ++x) {
      const std::int64_t y = 2 * start + multiple - 1 - x;
      torch::manual_seed(3);
      const torch::Tensor input =
          torch::empty({1, info.in_channels, size, size}, torch::kDouble).uniform_(1.0, 2.0).mul_(info.value_range);
      const auto output_at = [&](const torch::Tensor& given) {
        return network->forward(given).narrow(2, y * info.scale, info.scale).narrow(3, x * info.scale, info.scale);
      };
      const torch::Tensor leaf = input.clone().requires_grad_();
      output_at(leaf).sum().backward();
      const torch::Tensor touched = leaf.grad().abs().amax(torch::IntArrayRef{0, 1}) > 0;
      for (std::int64_t i = 0; i < size; ++i) {
        if (touched.select(1, i).any().item<bool>()) reached = std::max(reached, static_cast<int>(std::abs(i - x)));
        if (touched.select(0, i).any().item<bool>()) reached = std::max(reached, static_cast<int>(std::abs(i - y)));
      }
      const torch::NoGradGuard no_grad;
      torch::Tensor outside = input + 0.5 * info.value_range;
      const std::int64_t top = std::max<std::int64_t>(y - info.halo, 0), bottom = std::min(y + info.halo + 1, size);
      const std::int64_t left = std::max<std::int64_t>(x - info.halo, 0), right = std::min(x + info.halo + 1, size);
      outside.slice(2, top, bottom).slice(3, left, right).copy_(input.slice(2, top, bottom).slice(3, left, right));
      CHECK(torch::equal(output_at(outside), output_at(input)));
    }
    // A maximum passes on one pixel of its cell, wherever that lies; a sampler's halo has room for trained offsets.
    const bool bound = network->architecture() == "safmn" || example.config.value("dysample", false) ||
                       example.config.value("upsampler", "") == "dysample";
    if (bound) CHECK(reached <= info.halo);
    else CHECK(reached == info.halo);
  }
}

TEST_CASE("generators: channels_last gives the same picture") {
  const torch::NoGradGuard no_grad;
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const GeneratorPtr network = example.make();
    network->eval();
    const torch::Tensor input = picture(*network, 10, 13), expected = network->forward(input);
    for (auto& parameter : network->parameters())
      if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    CHECK(relative_error(network->forward(input.contiguous(torch::MemoryFormat::ChannelsLast)), expected) <= 1e-5);
  }
}

TEST_CASE("generators: bf16 weights give nearly the same picture, from fp32 and from bf16 pictures") {
  const torch::NoGradGuard no_grad;
  for (const auto& example : all_examples()) {
    CAPTURE(example.name());
    const GeneratorPtr network = example.make();
    network->eval();
    const torch::Tensor input = picture(*network, 10, 13), expected = network->forward(input);
    network->to(torch::kBFloat16);
    network->weights_changed();
    for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
      // A CPU without bf16 instructions rounds sums in between, too.
      CHECK(relative_error(network->forward(input.contiguous(format)), expected) <= 0.05);
      CHECK(relative_error(network->forward(input.to(torch::kBFloat16).contiguous(format)), expected) <= 0.06);
    }
  }
}

TEST_CASE("generators: configurations that can't be built are refused as recipes") {
  const std::vector<nlohmann::json> wrongs{{{"scale", 0}},  {{"channels", -1}},     {{"in_channels", 1.5}},
                                           {{"scale", {}}}, {{"channels", "many"}}, {{"no_such_option", 1}}};
  for (const auto& example : all_examples())
    for (const auto& wrong : wrongs) {
      nlohmann::json config = example.config;
      config.update(wrong);
      CAPTURE(example.plugin->name);
      CAPTURE(config.dump());
      try {
        example.plugin->make(config);
        FAIL_CHECK("was built");
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::recipe);
      }
    }
}

TEST_CASE("generators: with Dirac and ICNR a network whose body has skips begins as nearest-neighbour enlargement") {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::rand({1, 3, 16, 12});
  for (const auto& [name, config] :
       {std::pair<const char*, nlohmann::json>{"srresnet", {{"channels", 16}, {"blocks", 2}}},
        {"span", {{"channels", 16}, {"norm", false}}},
        {"edsr", {{"channels", 16}, {"blocks", 2}}}}) {
    CAPTURE(name);
    const auto error = [&](bool dirac) {
      torch::manual_seed(3);
      const GeneratorPtr network = make_generator(name, config);
      initialise(*network, "he", 0.1);
      if (dirac) add_dirac(*network);
      network->soften_pixel_shuffles();
      network->eval();
      const int scale = network->info().scale;
      return relative_error(network->forward(x), x.repeat_interleave(scale, 2).repeat_interleave(scale, 3));
    };
    CHECK(error(true) < 0.2);
    CHECK(error(false) > 0.5);
  }
}
