// Exported networks, read back by LibTorch's own loader.
#include <doctest/doctest.h>
#include <torch/script.h>
#include <torch/torch.h>

#include "engine/random_networks.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/engine/exporter.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torchscript_network.hpp"
#include "support/relative_error.hpp"
#include "support/support.hpp"

using namespace ganvas;
using ganvas::test::relative_error;
using torch::Tensor;
namespace fs = std::filesystem;

namespace {

std::string error_of(const fs::path& path) {
  try {
    load_torchscript(path);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::model);
    return error.what();
  }
  return "nothing was refused";
}

/// Exports the network; whether it can be.
bool exports(void (*write)(Generator&, const fs::path&, const std::map<std::string, std::string>&), Generator& network,
             const fs::path& path, const std::map<std::string, std::string>& metadata = {}) {
  try {
    write(network, path, metadata);
  } catch (const Error& error) {
    const std::string why = error.what();
    const bool excused = test::left_to_libtorch(network, why) || why.ends_with("can't be exported");
    if (error.kind() == ErrorKind::model && excused) return false;
    throw;
  }
  return true;
}

fs::path saved(const test::TemporaryFolder& folder, const std::string& source) {
  torch::jit::Module module("program");
  module.register_attribute("state", c10::IntType::get(), 1);
  module.define(source);
  const fs::path path = folder / "program.pt";
  module.save(path.string());
  return path;
}

}  // namespace

TEST_CASE("TorchScript export: every architecture, any batch and size, in LibTorch's own loader") {
  const torch::NoGradGuard no_grad;
  const test::TemporaryFolder folder;
  for (const auto& [network, name] : test::random_networks()) {
    CAPTURE(name);
    const fs::path path = folder / "network.pt";
    if (!exports(export_torchscript, *network, path, {{"ganvas.recipe", "some"}})) continue;
    torch::jit::ExtraFilesMap extra{{"ganvas.json", ""}};
    torch::jit::Module read = torch::jit::load(path.string(), torch::kCPU, extra);
    CHECK(extra["ganvas.json"].find("\"ganvas.recipe\":\"some\"") != std::string::npos);
    const GeneratorInfo info = network->info();
    torch::manual_seed(5);
    const Tensor input = to_range(torch::rand({2, info.in_channels, info.multiple + 11, 2 * info.multiple + 9}), info);
    CHECK(relative_error(read.forward({input}).toTensor(), network->forward(input)) <= 1e-4);
  }
}

TEST_CASE("TorchScript files are networks: what they take is found out, or read where we wrote it") {
  const torch::NoGradGuard no_grad;
  const test::TemporaryFolder folder;
  for (const auto& [network, name] : test::random_networks()) {
    CAPTURE(name);
    const fs::path path = folder / "network.pt";
    if (!exports(export_torchscript, *network, path)) continue;
    const LoadedGenerator loaded = load_torchscript(path);
    const GeneratorInfo info = loaded.network->info(), expected = network->info();
    CHECK(info.scale == expected.scale);
    CHECK(info.in_channels == expected.in_channels);
    CHECK(info.out_channels == expected.out_channels);
    CHECK(info.multiple == expected.multiple);
    CHECK(info.value_low == expected.value_low);
    CHECK(info.halo == (expected.global ? 0 : expected.halo));
    CHECK(info.global == expected.global);
    const Tensor input = to_range(torch::rand({1, info.in_channels, expected.multiple + 7, 30}), info);
    const Tensor output = network->forward(input);
    CHECK(relative_error(loaded.network->forward(input), output) <= 1e-4);
    CHECK(relative_error(replicate(*loaded.network)->forward(input), output) <= 1e-4);
  }
}

TEST_CASE("TorchScript of others: scale, channels, multiple, range and reach by trial") {
  const torch::NoGradGuard no_grad;
  const test::TemporaryFolder folder;
  SUBCASE("gray, twice the size") {
    const auto info =
        load_torchscript(
            saved(folder,
                  "def forward(self, x):\n  y = torch.conv2d(x, torch.ones([1, 1, 5, 5]), None, [1, 1], [2, 2])\n"
                  "  return torch.upsample_nearest2d(y, [x.size(2) * 2, x.size(3) * 2])\n"))
            .network->info();
    CHECK(info.in_channels == 1);
    CHECK(info.scale == 2);
    CHECK(info.multiple == 1);
    CHECK(info.halo == 2);
    CHECK(!info.global);
    CHECK(info.value_low == 0);
  }
  SUBCASE("multiples of four, ends in a tanh, sees all") {
    const LoadedGenerator loaded =
        load_torchscript(saved(folder,
                               "def forward(self, x):\n  y = torch.pixel_shuffle(torch.pixel_unshuffle(x, 4), 4)\n"
                               "  return torch.tanh(y + torch.mean(x))\n"));
    const auto info = loaded.network->info();
    CHECK(info.multiple == 4);
    CHECK(info.value_low == -1);
    CHECK(info.global);
    CHECK(loaded.network->forward(torch::zeros({1, 3, 9, 6})).sizes() == torch::IntArrayRef({1, 3, 9, 6}));
  }
}

TEST_CASE("TorchScript that reaches outside, makes no picture or is damaged is refused by name") {
  const test::TemporaryFolder folder;
  CHECK(error_of(saved(folder, "def forward(self, x):\n  return torch.from_file('/etc/passwd', False, 12)\n"))
            .find("aten::from_file") != std::string::npos);
  CHECK(error_of(saved(folder,
                       "def __getstate__(self):\n  return (1, True)\n"
                       "def __setstate__(self, s: Tuple[int, bool]):\n  self.state = s[0]\n"
                       "def forward(self, x):\n  return x\n"))
            .find("__setstate__") != std::string::npos);
  CHECK(error_of(saved(folder, "def forward(self, x):\n  return x[:, :, ::2]\n")).find("no whole scale") !=
        std::string::npos);
  CHECK(error_of(saved(folder, "def forward(self, x):\n  return torch.mean(x)\n")).find("gives no picture") !=
        std::string::npos);
  CHECK(error_of(saved(folder, "def forward(self, x):\n  return torch.conv2d(x, torch.ones([1, 8, 3, 3]))\n"))
            .find("fails on") != std::string::npos);
  const fs::path path = saved(folder, "def forward(self, x):\n  return x\n");
  const auto size = fs::file_size(path);
  fs::resize_file(path, size - 30);
  CHECK_THROWS_AS(load_generator(path), Error);
}

TEST_CASE("ONNX export: every architecture passes the ONNX library's checker, and a missing folder is named") {
  const torch::NoGradGuard no_grad;
  const test::TemporaryFolder folder;
  try {
    for (const auto& [network, name] : test::random_networks()) {
      CAPTURE(name);
      const fs::path path = folder / "network.onnx";
      if (!exports(export_onnx, *network, path)) continue;
      CHECK(fs::file_size(path) > 1000);
      CHECK_THROWS_AS(export_onnx(*network, folder / "no" / "network.onnx"), Error);
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    MESSAGE("[skipped] built without the ONNX library");
  }
}

TEST_CASE("ONNX export: read back, every architecture gives what it gave") {
  const torch::NoGradGuard no_grad;
  const test::TemporaryFolder folder;
  int compared = 0;
  for (const auto& [network, name] : test::random_networks()) {
    CAPTURE(name);
    const fs::path path = folder / "network.onnx";
    try {
      if (!exports(export_onnx, *network, path)) continue;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage) throw;
      MESSAGE("[skipped] built without the ONNX library");
      return;
    }
    const GeneratorPtr read = load_generator(path).network;
    const GeneratorInfo info = network->info();
    CHECK(read->info().scale == info.scale);
    CHECK(read->info().value_low == info.value_low);
    torch::manual_seed(3);
    const Tensor picture =
        to_range(torch::rand({1, info.in_channels, 2 * info.multiple + 15, 3 * info.multiple + 7}), info);
    const Tensor expected = network->forward(picture), result = read->forward(picture);
    REQUIRE(result.sizes() == expected.sizes());
    CHECK(test::relative_error(result, expected) <= 1e-4);
    ++compared;
  }
  CHECK(compared > 10);
}
