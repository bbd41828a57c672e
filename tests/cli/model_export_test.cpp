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
    CHECK(run_ganvas({"upscale", (folder / "in.png").string(), "--model", weights, "--precision", "fp32", "-o",
                      (folder / name).string()})
              .code == 0);
  // The files name their models.
  CHECK(cv::norm(read_image(folder / "a" / "in.png").image.pixels, read_image(folder / "b" / "in.png").image.pixels,
                 cv::NORM_INF) == 0);
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

TEST_CASE("model quantize: the weights stay, the record goes along, and --precision int8 takes it") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "data");
  for (int i = 0; i < 4; ++i) write_image(folder / fmt::format("data/{}.png", i), gradient(70 + i, 66, 3, Depth::u8));
  const std::string out = (folder / "int8.safetensors").string();
  const Finished made =
      run_ganvas({"model", "quantize", shipped_x2, "--data", (folder / "data").string(), "-o", out, "--side", "32"});
  CAPTURE(made.err);
  REQUIRE(made.code == 0);
  CHECK(contains(made.out, "convolutions in int8; to fp32: "));
  const Finished info = run_ganvas({"model", "info", out, "--json"});
  REQUIRE(info.code == 0);
  CHECK(info.lines().at(0)["int8"]["psnr"].get<double>() > 30);
  CHECK(!info.lines().at(0)["metadata"].contains("ganvas.int8"));

  write_image(folder / "in.png", gradient(40, 31, 3, Depth::u8));
  const auto upscaled = [&](const std::string& precision, const std::string& to) {
    const Finished done = run_ganvas({"upscale", (folder / "in.png").string(), "--model", out, "--precision", precision,
                                      "-o", (folder / to).string()});
    CAPTURE(done.err);
    REQUIRE(done.code == 0);
    return read_image(folder / to / "in.png").image;
  };
  const double difference = largest_difference(upscaled("int8", "a"), upscaled("fp32", "b"));
  CHECK(difference > 0);
  CHECK(difference <= 12);

  const Finished few = run_ganvas(
      {"model", "quantize", shipped_x2, "--data", (folder / "data").string(), "-o", out, "--side", "64", "--force"});
  CHECK(few.code == 1);
  CHECK(contains(few.err, "0 pictures of at least 128x128 pixels"));
}

TEST_CASE("precision int8: a model without a record is named, with what to do") {
  const TemporaryFolder folder;
  write_image(folder / "in.png", gradient(20, 20, 3, Depth::u8));
  const Finished refused = run_ganvas({"upscale", (folder / "in.png").string(), "--model",
                                       std::string(GANVAS_SOURCE_DIR) + "/models/photo-x4-gan/model.safetensors",
                                       "--precision", "int8", "-o", (folder / "out").string()});
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "ganvas model quantize"));
}
