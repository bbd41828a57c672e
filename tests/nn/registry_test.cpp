// Loading refuses what doesn't fit, and says what.
#include <functional>

#include "ganvas/core/error.hpp"
#include "nn/sweep.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using test::says;

namespace {

std::string refusal(StateDict weights, std::map<std::string, std::string> metadata = {}) {
  ModelFile file;
  file.weights = std::move(weights);
  file.metadata = std::move(metadata);
  return test::refusal(ErrorKind::model, [&] { generator_from(std::move(file), "x.pth"); });
}

StateDict small(const std::string& architecture) {
  const auto& plugin = generator_plugin(architecture);
  return state_dict_of(*plugin.make(plugin.examples.front()));
}

}  // namespace

TEST_CASE("registry: an unknown network is refused with its first keys, their shapes and what is known") {
  StateDict weights;
  for (int i = 0; i < 9; ++i) weights.set(fmt::format("stem.{}.weight", i), torch::zeros({2, i + 1}));
  const std::string message = refusal(weights);
  says(message, {"x.pth", "unknown network", "9 tensors", "stem.0.weight [2,1]", "stem.4.weight [2,5]", "compact",
                 "rrdbnet", "msrresnet", "edsr", "rcan"});
  CHECK(message.find("stem.5") == std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(refusal({}).find("unknown network") != std::string::npos);
}

TEST_CASE("registry: of a relative of a known network the message says which, and what differs") {
  StateDict weights = small("span");
  weights.set("attention.7.gate", torch::zeros({3}));
  weights.erase("conv_cat.weight");
  const std::string message = refusal(weights);
  says(message, {"unknown network", "most like span", "'conv_cat.weight' is missing", "'attention.7.gate'"});
}

TEST_CASE("registry: a description nested without an end is none") {
  StateDict weights;
  weights.set("a", torch::zeros({2, 2}));
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  for (const std::string& config : {deep, "{\"channels\":" + deep + "}", std::string(200'000, '{')})
    says(refusal(weights, {{"ganvas.architecture", "rrdbnet"}, {"ganvas.config", config}}), {"unknown network"});
}

TEST_CASE("registry: missing, misshapen and unexpected weights are named") {
  for (const char* architecture : {"rrdbnet", "msrresnet", "edsr", "rcan"}) {
    CAPTURE(architecture);
    StateDict missing = small(architecture);
    missing.erase("conv_last.bias");
    says(refusal(missing), {"x.pth", "'conv_last.bias' is missing"});

    StateDict misshapen = small(architecture);
    misshapen.set("conv_last.bias", torch::zeros({7}));
    says(refusal(misshapen), {"'conv_last.bias'", "[7]", "[3]"});

    StateDict unexpected = small(architecture);
    unexpected.set("body.0.extra", torch::zeros({2, 2}));
    says(refusal(unexpected), {"unexpected weight 'body.0.extra' [2,2]"});
  }
}

TEST_CASE("registry: an unknown architecture's name is refused with the known ones") {
  try {
    make_generator("rrdb", {});
    FAIL("was built");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::recipe);
    says(error.what(), {"'rrdb'", "rrdbnet"});
  }
}

TEST_CASE("registry: networks that take a style, or nothing, are refused by what they are for") {
  const auto refused = [](const char* architecture) {
    return refusal({}, {{"ganvas.architecture", architecture}, {"ganvas.config", "{}"}});
  };
  says(refused("any-style"), {"x.pth", "any-style", "stylize"});
  says(refused("dcgan"), {"x.pth", "dcgan", "generate"});
}

TEST_CASE("registry: no damaged shape or key crashes or allocates without bound") {
  const std::vector<std::function<torch::Tensor(const torch::Tensor&)>> damages{
      [](const torch::Tensor&) { return torch::zeros({}); },
      [](const torch::Tensor&) { return torch::zeros({0}); },
      [](const torch::Tensor&) {
        return torch::zeros({0, 0, 0, 0});
      },
      [](const torch::Tensor&) {
        return torch::zeros({1, 1, 1, 1, 1});
      },
      [](const torch::Tensor& t) { return t.unsqueeze(0); },
      // As large as 65536 channels, yet of a few bytes.
      [](const torch::Tensor& t) {
        return t.dim() == 4 ? torch::zeros({65536, 1, 1, 1}) : torch::zeros({65536});
      },
      [](const torch::Tensor& t) {
        return t.dim() == 4 ? torch::zeros({1, 65536, 1, 1}) : torch::zeros({1});
      },
      [](const torch::Tensor& t) {
        return t.dim() == 4 ? torch::zeros({70000, 3, 1, 1}) : torch::zeros({1});
      },
  };
  for (const auto& example : test::all_examples()) {
    const StateDict weights = state_dict_of(*example.make());
    for (const auto& [key, tensor] : weights) {
      CAPTURE(example.name());
      CAPTURE(key);
      for (std::size_t i = 0; i < damages.size(); ++i) {
        CAPTURE(i);
        const torch::Tensor damage = damages[i](tensor);
        if (damage.sizes() == tensor.sizes()) continue;
        StateDict damaged = weights;
        damaged.set(key, damage);
        CHECK(refusal(damaged) != "was accepted");
      }
      // Flags, and what training counts: files without them are files of other networks, or the same.
      if (key == "no_norm" || key == "pro" || key == "palettes" || key.ends_with("position_index") ||
          key.ends_with("num_batches_tracked"))
        continue;
      StateDict without = weights;
      without.erase(key);
      CHECK(refusal(without) != "was accepted");
    }
  }
}

TEST_CASE("registry: a description that asks for far more than the file holds is refused") {
  for (const char* architecture : {"compact", "rrdbnet", "msrresnet", "edsr", "rcan"})
    for (const char* config :
         {R"({"channels": 65536})", R"({"blocks": 65536, "groups": 65536, "convs": 65536})", R"({"growth": 65536})",
          R"([1])", R"("text")", "null", R"({"scale": 64, "channels": 4096})"}) {
      CAPTURE(architecture);
      CAPTURE(config);
      const std::string message =
          refusal(small(architecture), {{"ganvas.architecture", architecture}, {"ganvas.config", config}});
      CHECK(message != "was accepted");
    }
}

TEST_CASE("registry: fp16 files are half as large and load as fp32") {
  const test::TemporaryFolder folder;
  const auto& plugin = generator_plugin("rrdbnet");
  const GeneratorPtr network = plugin.make(plugin.examples.front());
  save_generator(folder / "half.safetensors", *network, {{"note", "kept"}}, /*half=*/true);
  const LoadedGenerator loaded = load_generator(folder / "half.safetensors");
  CHECK(loaded.file.metadata.at("note") == "kept");
  CHECK(loaded.file.weights.empty());
  CHECK_FALSE(loaded.network->is_training());
  for (const auto& [key, tensor] : state_dict_of(*loaded.network)) {
    CHECK((tensor.scalar_type() == torch::kFloat));
    CHECK(torch::equal(tensor, state_dict_of(*network).at(key).to(torch::kHalf).to(torch::kFloat)));
  }
}
