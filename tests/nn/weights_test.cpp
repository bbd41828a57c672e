// Published weights and reference networks of other implementations. Their inputs and outputs were computed with the
// original Python code.
#include <map>

#include "ganvas/core/error.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/sweep.hpp"
#include "support/support.hpp"

using namespace ganvas;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> model_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".pth") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Architecture of a reference file by its name; "" for those that are no super-resolution networks.
std::string expected_architecture(const fs::path& file) {
  for (const auto& [start, name] : std::map<std::string, std::string>{{"compact-", "compact"},
                                                                      {"rrdb-", "rrdbnet"},
                                                                      {"edsr-", "edsr"},
                                                                      {"msrresnet-", "msrresnet"},
                                                                      {"rcan-", "rcan"},
                                                                      {"resnet6-", "resnet"},
                                                                      {"resnet9-", "resnet"},
                                                                      {"unet128-", "unet"},
                                                                      {"unet256-", "unet"},
                                                                      {"transformer-net-", "transformer-net"},
                                                                      {"span-", "span"},
                                                                      {"realcugan-", "realcugan"},
                                                                      {"waifu2x-upcunet", "realcugan"},
                                                                      {"waifu2x-upconv", "waifu2x"},
                                                                      {"plksr-", "plksr"},
                                                                      {"realplksr-", "realplksr"},
                                                                      {"mosr-", "mosr"},
                                                                      {"swiftsrgan-", "swiftsrgan"},
                                                                      {"safmn-", "safmn"},
                                                                      {"swinir-", "swinir"},
                                                                      {"srformer-", "srformer"},
                                                                      {"drct-", "drct"},
                                                                      {"hat-", "hat"},
                                                                      {"omnisr-", "omnisr"},
                                                                      {"dat-", "dat"},
                                                                      {"rgt-", "rgt"},
                                                                      {"atd-", "atd"}})
    if (file.filename().string().starts_with(start)) return name;
  return "";
}

std::string refusal(const fs::path& file) {
  try {
    load_generator(file);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::model);
    return error.what();
  }
  return "was accepted";
}

}  // namespace

TEST_CASE("weights: reference networks give the outputs of the original code") {
  const fs::path folder = test::shared_folder() / "weights/reference";
  SKIP_WITHOUT(folder);
  const torch::NoGradGuard no_grad;
  int compared = 0;
  for (const fs::path& file : model_files(folder)) {
    const std::string architecture = expected_architecture(file);
    if (architecture.empty()) continue;
    CAPTURE(file.filename().string());
    const LoadedGenerator loaded = load_generator(file);
    CHECK(loaded.network->architecture() == architecture);
    const StateDict pair = read_safetensors(fs::path(file).replace_extension(".io.safetensors")).tensors;
    const torch::Tensor output = loaded.network->forward(pair.at("input"));
    const double error = test::relative_error(output, pair.at("output"));
    CAPTURE(loaded.layout);
    CHECK(error <= 1e-4);
    ++compared;
  }
  CHECK(compared >= 20);
}

TEST_CASE("weights: files as people share them, whatever their container, give the outputs of the original code") {
  const fs::path folder = test::shared_folder() / "weights/community";
  SKIP_WITHOUT(folder);
  const torch::NoGradGuard no_grad;
  for (const fs::path& file : model_files(folder)) {
    CAPTURE(file.filename().string());
    const LoadedGenerator loaded = load_generator(file);
    const StateDict pair = read_safetensors(fs::path(file).replace_extension(".io.safetensors")).tensors;
    CHECK(test::relative_error(loaded.network->forward(pair.at("input")), pair.at("output")) <= 1e-4);
  }
}

TEST_CASE("weights: what follows from sizes is not needed: indices, masks, counters, first places of samplers") {
  const fs::path folder = test::shared_folder() / "weights/reference";
  SKIP_WITHOUT(folder);
  const torch::NoGradGuard no_grad;
  for (const std::string name : {"swinir-x2-direct", "srformer-x2-w6", "drct-x4", "hat-x4", "dat-x4", "rgt-x2",
                                 "atd-x4", "realplksr-x2-dysample", "mosr-x2-dysample", "swiftsrgan-x4"}) {
    CAPTURE(name);
    const fs::path path = folder / (name + ".pth");
    ModelFile file = read_model_file(path), bare = file;
    bare.weights = {};
    for (const auto& [key, tensor] : file.weights) {
      const bool index = key.find("relative_position_index") != std::string::npos;
      // Of these two, one alone tells the window's sides.
      const bool needed = index && name.starts_with("dat");
      const bool follows = index || key.find("attn_mask") != std::string::npos ||
                           key.ends_with("num_batches_tracked") || key.ends_with("init_pos") ||
                           (key.ends_with("rpe_biases") && name[0] == 'd');
      if (!follows || needed) bare.weights.set(key, tensor);
    }
    CHECK(bare.weights.size() < file.weights.size());
    const LoadedGenerator loaded = generator_from(std::move(bare), name);
    const StateDict pair = read_safetensors(fs::path(path).replace_extension(".io.safetensors")).tensors;
    CHECK(test::relative_error(loaded.network->forward(pair.at("input")), pair.at("output")) <= 1e-4);
  }
}

TEST_CASE("weights: reference discriminators give the outputs of the original code") {
  const fs::path folder = test::shared_folder() / "weights/reference";
  SKIP_WITHOUT(folder);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, architecture] : {std::pair{"patchgan-batch", "patch"},
                                           {"patchgan-n4-instance", "patch"},
                                           {"pixel-discriminator", "pixel"},
                                           {"unet-sn-discriminator", "unet"}}) {
    CAPTURE(name);
    const fs::path file = folder / (std::string(name) + ".pth");
    const DiscriminatorPtr network = discriminator_from(read_model_file(file).weights, name);
    REQUIRE(network);
    CHECK(network->architecture() == architecture);
    const StateDict pair = read_safetensors(fs::path(file).replace_extension(".io.safetensors")).tensors;
    CHECK(test::relative_error(network->forward(pair.at("input")), pair.at("output")) <= 1e-4);
  }
}

TEST_CASE("weights: other networks are not mistaken for super-resolution networks") {
  const fs::path folder = test::shared_folder() / "weights";
  SKIP_WITHOUT(folder);
  for (const fs::path& file : model_files(folder / "reference"))
    if (expected_architecture(file).empty()) {
      CAPTURE(file.filename().string());
      CHECK(refusal(file).find("unknown network") != std::string::npos);
    }
  for (const char* name : {"imdn-x4-legacy-module-prefix", "efdn-x4-zip", "safmn-x4", "srgan-x4-legacy-batchnorm"}) {
    CAPTURE(name);
    CHECK(refusal(folder / "containers" / (std::string(name) + ".pth")).find("unknown network") != std::string::npos);
  }
  for (const char* name : {"squeezenet1_1-features", "vgg19-relu3_1", "lpips-v0.1/squeeze"}) {
    CAPTURE(name);
    CHECK(refusal(folder / (std::string(name) + ".pth")).find("unknown network") != std::string::npos);
  }
}

TEST_CASE("weights: realesr-animevideov3 has the published number of parameters") {
  const fs::path file = test::shared_folder() / "weights/realesr-animevideov3-x4.pth";
  SKIP_WITHOUT(file);
  const LoadedGenerator loaded = load_generator(file);
  CHECK(loaded.network->architecture() == "compact");
  CHECK(loaded.network->info().scale == 4);
  CHECK(state_dict_of(*loaded.network).element_count() == 621'424);
}

TEST_CASE("weights: published sizes of the default networks") {
  const auto count = [](const std::string& name, const nlohmann::json& config) {
    return state_dict_of(*make_generator(name, config)).element_count();
  };
  CHECK(count("rrdbnet", nlohmann::json::object()) == 16'697'987);
  CHECK(count("rrdbnet", {{"blocks", 6}}) == 4'467'779);
  CHECK(count("msrresnet", nlohmann::json::object()) == 1'517'571);
  CHECK(count("compact", {{"convs", 32}}) == 1'213'296);
  // EDSR baseline x2 without its mean shifts (Lim et al. 2017, table 1: 1.37 M) and RCAN x4 (Zhang et al. 2018: 16 M).
  CHECK(count("edsr", {{"scale", 2}}) == 1'369'859);
  CHECK(count("rcan", nlohmann::json::object()) == 15'592'355);
}
