// `ganvas model export`, and what it wrote as a model.
#include <doctest/doctest.h>

#include "cli/program.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

const std::string shipped_x2 = std::string(GANVAS_SOURCE_DIR) + "/models/photo-x2/model.safetensors";

}  // namespace

TEST_CASE("model export: a TorchScript file is compared with the network, and upscales as the network does") {
  const TemporaryFolder folder;
  const std::string exported = (folder / "network.pt").string();
  const Finished written = run_ganvas({"model", "export", shipped_x2, exported});
  CHECK(written.code == 0);
  CHECK(written.out.starts_with(exported + "\nTorchScript: max_abs_error "));
  CHECK(written.out.ends_with("ok\n"));

  const Finished described = run_ganvas({"model", "info", exported, "--json"});
  REQUIRE(described.code == 0);
  const auto info = described.lines().at(0);
  CHECK(info["architecture"] == "torchscript");
  CHECK(info["scale"] == 2);
  CHECK(info["metadata"]["ganvas.architecture"] == "compact");

  write_image(folder / "in.png", noise(37, 29, 3, Depth::u8));
  for (const auto& [name, weights] : {std::pair{"a", shipped_x2}, std::pair{"b", exported}})
    CHECK(run_ganvas({"upscale", (folder / "in.png").string(), "--model", weights, "-o", (folder / name).string()})
              .code == 0);
  CHECK(read_file(folder / "a" / "in.png") == read_file(folder / "b" / "in.png"));
}

TEST_CASE("model export: ONNX, run in ONNX Runtime where node has it") {
  const TemporaryFolder folder;
  const std::string exported = (folder / "network.onnx").string();
  const Finished written = run_ganvas({"model", "export", shipped_x2, exported, "--check"});
  if (written.code == 2 && written.err.find("built without") != std::string::npos) {
    MESSAGE("[skipped] built without the ONNX library");
    return;
  }
  CHECK(std::filesystem::exists(exported));
  if (written.code == 2) {
    CHECK(written.err.find("--check: ") != std::string::npos);
    MESSAGE("[skipped] no node with onnxruntime-node here");
    return;
  }
  CHECK(written.code == 0);
  CHECK(written.out.starts_with(exported + "\nONNX Runtime: max_abs_error "));
}

TEST_CASE("model export: another name, another network or a folder that can't be written is one line") {
  const TemporaryFolder folder;
  const Finished name = run_ganvas({"model", "export", shipped_x2, (folder / "network.h5").string()});
  CHECK(name.code == 2);
  CHECK(name.err.find("must end in .onnx or .pt") != std::string::npos);
  const Finished place = run_ganvas({"model", "export", shipped_x2, (folder / "no" / "network.pt").string()});
  CHECK(place.code == 1);
  CHECK(place.err.find("network.pt") != std::string::npos);
}
