// ganvas translate and the example script from pairs to translated pictures, as a user runs them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <opencv2/core.hpp>

#include "cli/program.hpp"
#include "imaging/pictures.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

namespace {

void write_pairs(const fs::path& folder, int count) {
  fs::create_directories(folder);
  for (int i = 0; i < count; ++i) {
    const Image a = gradient(40, 40, 3, Depth::u8);
    cv::Mat b, both;
    cv::subtract(cv::Scalar::all(255 - 10 * i), a.pixels, b);
    cv::hconcat(a.pixels, b, both);
    write_image(folder / fmt::format("{}.png", i), Image(both));
  }
}

const std::vector<std::string> kToy{"generator.width=2", "generator.downs=5",      "discriminator.width=4",
                                    "data.load=36",      "data.crop=32",           "discriminator.layers=1",
                                    "train.steps=3",     "train.validate_every=2", "data.hold_out=1"};

}  // namespace

TEST_CASE(
    "translate: the example script goes from pairs to a model, a report and pictures, and goes on when repeated") {
  const TemporaryFolder folder;
  write_pairs(folder / "pairs", 6);
  fs::create_directories(folder / "labels/deep");
  write_image(folder / "labels/a.png", gradient(50, 41, 3, Depth::u8));
  write_image(folder / "labels/b.png", gradient(33, 64, 1, Depth::u16));
  std::string command = fmt::format("GANVAS='{}' '{}/tools/examples/photos_from_labels.sh' '{}' '{}' '{}'",
                                    GANVAS_BINARY, GANVAS_SOURCE_DIR, (folder / "pairs").string(),
                                    (folder / "labels").string(), (folder / "out").string());
  for (const auto& set : kToy) command += " --set " + set;
  command += " > '" + (folder / "stdout").string() + "' 2>&1";
  const int code = std::system(command.c_str());
  const Bytes said = read_file(folder / "stdout");
  CAPTURE(std::string(said.begin(), said.end()));
  REQUIRE(code == 0);
  CHECK(fs::exists(folder / "out/run/report.html"));
  const Image a = read_image(folder / "out/pictures/a.png").image, b = read_image(folder / "out/pictures/b.png").image;
  CHECK(a.width() == 50);
  CHECK(a.height() == 41);
  CHECK(b.depth() == Depth::u16);
  CHECK(b.channels() == 3);
  const auto before = fs::last_write_time(folder / "out/pictures/a.png");
  CHECK(std::system(command.c_str()) == 0);
  CHECK(fs::last_write_time(folder / "out/pictures/a.png") == before);

  // The model on its own: modes, directions, what it records.
  const std::string run = (folder / "out/run").string(), picture = (folder / "labels/a.png").string();
  const Finished train_mode = run_ganvas(
      {"translate", picture, "--model", run, "-o", (folder / "one.png").string(), "--mode", "train", "--seed", "3"});
  CHECK(train_mode.code == 0);
  const Bytes bytes = read_file(folder / "one.png");
  const std::string text(bytes.begin(), bytes.end());
  if (metadata_supported()) {
    CHECK(contains(text, "ganvas:mode=\"train\""));
    CHECK(contains(text, "ganvas:seed=\"3\""));
  }
  const Finished reverse =
      run_ganvas({"translate", picture, "--model", run, "-o", (folder / "two.png").string(), "--direction", "BtoA"});
  CHECK(reverse.code == 2);
  CHECK(contains(reverse.err, "one direction only"));
  const Finished both = run_ganvas(
      {"translate", picture, "--model", run, "-o", (folder / "two.png").string(), "--mode", "train", "--tile", "64"});
  CHECK(both.code == 2);
  const Finished enlarging =
      run_ganvas({"translate", picture, "--model", "photo-x2", "-o", (folder / "two.png").string()});
  CHECK(enlarging.code == 1);
  CHECK(contains(enlarging.err, "ganvas upscale"));
  CHECK_FALSE(fs::exists(folder / "two.png"));
}

TEST_CASE("data check: pairs of translation, side by side and in two folders") {
  const TemporaryFolder folder;
  write_pairs(folder / "pairs", 2);
  CHECK(run_ganvas({"data", "check", (folder / "pairs").string(), "--pairs"}).code == 0);
  fs::create_directories(folder / "A");
  fs::create_directories(folder / "B");
  write_image(folder / "A/x.png", gradient(20, 20, 3, Depth::u8));
  write_image(folder / "B/y.png", gradient(20, 20, 3, Depth::u8));
  const Finished lonely = run_ganvas({"data", "check", (folder / "A").string(), (folder / "B").string(), "--pairs"});
  CHECK(lonely.code == 1);
  CHECK(contains(lonely.out, "x.png"));
  CHECK(contains(lonely.out, "y.png"));
  CHECK(run_ganvas({"data", "check", (folder / "A").string(), (folder / "B").string(), "--unpaired"}).code == 0);
}

TEST_CASE("translate: from six bands of 16 bit to five, trained on two folders of TIFFs") {
  const TemporaryFolder folder;
  for (const auto& [side, channels] : {std::pair{"A", 6}, {"B", 5}}) {
    fs::create_directories(folder / side);
    for (int i = 0; i < 4; ++i)
      write_image(folder / side / fmt::format("{}.tif", i), noise(40 + i, 40, channels, Depth::u16));
  }
  std::vector<std::string> train{"train",  "pix2pix-mini",
                                 "--data", (folder / "A").string(),
                                 "--data", (folder / "B").string(),
                                 "--out",  (folder / "run").string(),
                                 "--set",  "generator.in_channels=6",
                                 "--set",  "generator.out_channels=5"};
  for (const auto& set : kToy) train.insert(train.end(), {"--set", set});
  const Finished trained = run_ganvas(train);
  CAPTURE(trained.err);
  REQUIRE(trained.code == 0);
  const auto translated = [&](const std::string& in, const std::string& out) {
    return run_ganvas(
        {"translate", (folder / in).string(), "--model", (folder / "run").string(), "-o", (folder / out).string()});
  };
  const Finished done = translated("A/1.tif", "one.tif");
  CAPTURE(done.err);
  REQUIRE(done.code == 0);
  const Image result = read_image(folder / "one.tif").image;
  CHECK(result.channels() == 5);
  CHECK(result.depth() == Depth::u16);
  CHECK(result.width() == 41);
  const Finished png = translated("A/1.tif", "one.png");
  CHECK(png.code != 0);
  CHECK(contains(png.err, "TIFF only"));
  const Finished wrong = translated("B/1.tif", "two.tif");
  CHECK(wrong.code == 1);
  CHECK(contains(wrong.err, "5 channels where 6 are wanted"));
  // Upscaling takes any number of them, each by itself.
  const Finished upscaled = run_ganvas({"upscale", (folder / "B/0.tif").string(), "-m", "photo-x2", "--color-fix",
                                        "mean", "-o", (folder / "large.tif").string()});
  CAPTURE(upscaled.err);
  CHECK(upscaled.code == 0);
  CHECK(read_image(folder / "large.tif").image.channels() == 5);
}
