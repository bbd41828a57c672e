// ganvas stylize as a user runs it, with small networks of random weights.
#include <doctest/doctest.h>
#include <torch/torch.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <sstream>

#include "cli/program.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/style_network.hpp"
#include "ganvas/nn/weights.hpp"
#include "imaging/pictures.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

namespace {

/// A folder with a network, contents and styles.
struct Studio {
  Studio() {
    torch::manual_seed(1);
    save_style_network(model(), *make_style_network("any-style", {{"width", 8}, {"tail_width", 4}}));
    fs::create_directories(folder / "photos/deep");
    fs::create_directories(folder / "styles");
    write_image(folder / "photos/a.png", gradient(50, 41, 3, Depth::u8));
    write_image(folder / "photos/deep/b.png", noise(33, 40, 2, Depth::u16));
    write_image(folder / "styles/red.png", noise(30, 40, 3, Depth::u8, 2));
    write_image(folder / "styles/blue.jpg", gradient(40, 30, 3, Depth::u8));
  }
  fs::path model() const { return folder / "any.safetensors"; }
  std::string at(const std::string& name) const { return (folder / name).string(); }
  Finished stylize(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "stylize");
    if (std::find(arguments.begin(), arguments.end(), "-m") == arguments.end())
      arguments.insert(arguments.end(), {"-m", model().string()});
    arguments.insert(arguments.end(), {"--threads", "1"});
    return run_ganvas(arguments);
  }
  /// One picture, with these further arguments.
  Image result(const std::vector<std::string>& more, const std::string& input = "photos/a.png") const {
    std::vector<std::string> arguments{at(input), "-o", at("result.png"), "--force"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished done = stylize(arguments);
    CAPTURE(done.err);
    REQUIRE(done.code == 0);
    return read_image(folder / "result.png").image;
  }
  std::string complaint(int code, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{at("photos/a.png"), "-o", at("never.png")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished done = stylize(arguments);
    CAPTURE(done.err);
    CHECK(done.code == code);
    CHECK(std::count(done.err.begin(), done.err.end(), '\n') <= 1 + 2 * (code == 1));  // and a batch's progress and sum
    CHECK_FALSE(fs::exists(folder / "never.png"));
    return done.err;
  }
  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("stylize: a folder by one style, with JSON lines, depth, transparency and what was done in the XMP") {
  const Studio studio;
  const Finished done = studio.stylize({studio.at("photos"), "-r", "--style", studio.at("styles/red.png"), "-o",
                                        studio.at("out"), "--json", "--strength", "0.75"});
  CAPTURE(done.err);
  REQUIRE(done.code == 0);
  CHECK(done.lines().size() == 2);
  for (const auto& line : done.lines()) CHECK(line.at("status") == "done");
  const Image a = read_image(studio.folder / "out/a.png").image, b = read_image(studio.folder / "out/deep/b.png").image;
  CHECK(a.width() == 50);
  CHECK(a.channels() == 3);
  CHECK(b.depth() == Depth::u16);
  CHECK(b.channels() == 4);
  CHECK(same(alpha_part(b), alpha_part(read_image(studio.folder / "photos/deep/b.png").image)));
  if (metadata_supported()) {
    const Bytes bytes = read_file(studio.folder / "out/a.png");
    const std::string text(bytes.begin(), bytes.end());
    CHECK(contains(text, "ganvas:style=\"red.png:1\""));
    CHECK(contains(text, "ganvas:strength=\"0.75\""));
  }
  const Finished again = studio.stylize(
      {studio.at("photos"), "-r", "--style", studio.at("styles/red.png"), "-o", studio.at("out"), "--skip-existing"});
  CHECK(again.code == 0);
  CHECK(contains(again.err, "2 skipped"));
}

TEST_CASE("stylize: strength 0 gives the picture, weights mix, a saved style stands for its picture") {
  const Studio studio;
  const std::string red = studio.at("styles/red.png"), blue = studio.at("styles/blue.jpg");
  const Image content = read_image(studio.folder / "photos/a.png").image;
  CHECK(same(studio.result({"--style", red, "--strength", "0"}), content));
  const Image mixed = studio.result({"--style", red + ":3", "--style", blue});
  CHECK_FALSE(same(mixed, studio.result({"--style", red})));
  const std::string saved = studio.at("mixed.safetensors");
  const Finished only = run_ganvas({"stylize", "--style", red + ":0.75", "--style", blue + ":0.25", "--save-style",
                                    saved, "-m", studio.model().string()});
  CAPTURE(only.err);
  CHECK(only.code == 0);
  CHECK(largest_difference(studio.result({"--style", saved}), mixed) <= 1);
}

TEST_CASE("stylize: every option of the look changes the picture, tiles don't") {
  const Studio studio;
  const std::string red = studio.at("styles/red.png"), blue = studio.at("styles/blue.jpg");
  Image left(50, 41, 1, Depth::u8);
  left.pixels.setTo(cv::Scalar(0));
  left.pixels.colRange(0, 25).setTo(cv::Scalar(255));
  write_image(studio.folder / "left.png", left);
  Image right;
  cv::subtract(cv::Scalar(255), left.pixels, right.pixels);
  write_image(studio.folder / "right.png", right);
  const Image plain = studio.result({"--style", red});
  for (const auto& more : std::vector<std::vector<std::string>>{{"--strength", "0.5"},
                                                                {"--preserve-colour", "luma"},
                                                                {"--preserve-color", "match"},
                                                                {"--style-size", "16"},
                                                                {"--work-size", "24"},
                                                                {"--mask", studio.at("left.png")}}) {
    CAPTURE(more.front());
    std::vector<std::string> arguments{"--style", red};
    arguments.insert(arguments.end(), more.begin(), more.end());
    CHECK_FALSE(same(studio.result(arguments), plain));
  }
  CHECK(largest_difference(studio.result({"--style", red, "--tile", "16"}), plain) <= 1);
  const Image two = studio.result(
      {"--style", red, "--mask", studio.at("left.png"), "--style", blue, "--mask", studio.at("right.png")});
  CHECK_FALSE(same(Image(two.pixels.colRange(0, 12)), Image(two.pixels.colRange(38, 50))));
}

TEST_CASE("stylize: frames keep to the first one's statistics") {
  const Studio studio;
  fs::create_directories(studio.folder / "film");
  write_image(studio.folder / "film/1.png", gradient(48, 40, 3, Depth::u8));
  write_image(studio.folder / "film/2.png", noise(48, 40, 3, Depth::u8));
  const auto second = [&](const char* steady) {
    const Finished done = studio.stylize({studio.at("film"), "--style", studio.at("styles/red.png"), "-o",
                                          studio.at("frames"), "--force", "--steady", steady});
    CHECK(done.code == 0);
    return read_image(studio.folder / "frames/2.png").image;
  };
  const Image own = second("no");
  CHECK_FALSE(same(second("first"), own));
}

TEST_CASE("stylize: a folder of styles gives every combination") {
  const Studio studio;
  const Finished done =
      studio.stylize({studio.at("photos/a.png"), "--style", studio.at("styles"), "-o", studio.at("out")});
  CAPTURE(done.err);
  CHECK(done.code == 0);
  CHECK(fs::exists(studio.folder / "out/a_red.png"));
  CHECK(fs::exists(studio.folder / "out/a_blue.png"));
  const Finished named = studio.stylize({studio.at("photos/a.png"), "--style", studio.at("styles"), "-o",
                                         studio.at("out"), "--name", "{style}-of-{stem}"});
  CHECK(named.code == 0);
  CHECK(fs::exists(studio.folder / "out/blue-of-a.png"));
  CHECK(contains(studio.complaint(2, {"--style", studio.at("styles"), "--name", "my-{stem}"}), "{style}"));
  CHECK(contains(studio.complaint(2, {"--style", studio.at("styles")}), "give a folder"));
  CHECK(contains(studio.complaint(2, {"--style", studio.at("styles"), "--style", studio.at("styles/red.png")}),
                 "can't be mixed"));
}

TEST_CASE("stylize: parts of a published network, in files or a folder, and a network of one style") {
  const Studio studio;
  torch::manual_seed(4);
  const StyleNetworkPtr adain = make_style_network("adain", {{"widths", {4, 6, 8, 10}}});
  fs::create_directories(studio.folder / "adain");
  for (const std::string part : {"vgg", "decoder"}) {
    ModelFile file;
    for (const auto& [key, tensor] : state_dict_of(*adain))
      if (key.starts_with(part + ".")) file.weights.set(key.substr(part.size() + 1), tensor);
    write_model_file(studio.folder / ("adain/" + part + ".pth"), file);
  }
  const std::string red = studio.at("styles/red.png");
  const Image folder = studio.result({"--style", red, "-m", studio.at("adain")});
  CHECK(same(studio.result({"--style", red, "-m", studio.at("adain/vgg.pth"), "-m", studio.at("adain/decoder.pth")}),
             folder));
  CHECK(contains(studio.complaint(1, {"--style", red, "-m", studio.at("adain/decoder.pth")}), "encoder is missing"));

  const GeneratorPtr one = make_generator("transformer-net", {{"width", 4}, {"blocks", 1}});
  save_generator(studio.folder / "mosaic.pth", *one);
  CHECK(studio.result({"-m", studio.at("mosaic.pth")}).channels() == 3);
  CHECK(contains(studio.complaint(2, {"-m", studio.at("mosaic.pth"), "--style", red}), "leave --style out"));
}

TEST_CASE("stylize: wrong wishes are one line") {
  const Studio studio;
  const std::string red = studio.at("styles/red.png");
  CHECK(contains(studio.complaint(2, {}), "--style PICTURE"));
  CHECK(contains(studio.complaint(2, {"--style", red + ":0"}), "add up to 0"));
  CHECK(contains(studio.complaint(2, {"--style", red + ":many"}), "no weight"));
  CHECK(contains(studio.complaint(2, {"--style", red, "--strength", "2"}), "--strength"));
  const Finished mood =
      studio.stylize({studio.at("photos"), "-o", studio.at("out"), "--style", red, "--name", "{mood}"});
  CHECK(mood.code == 2);
  CHECK(contains(mood.err, "{style}"));
  CHECK(contains(studio.complaint(1, {"--style", studio.at("none.png")}), "none.png"));
  write_image(studio.folder / "wide.png", noise(90, 20, 1, Depth::u8));
  CHECK(contains(studio.complaint(1, {"--style", red, "--mask", studio.at("wide.png")}), "90x20"));
  CHECK(contains(studio.complaint(2, {"--style", red, "--mask", red, "--mask", red}), "2 masks for 1 styles"));
  CHECK(contains(studio.complaint(1, {"--style", studio.model().string()}), "neither a picture nor a saved style"));
  const Finished nothing = run_ganvas({"stylize", "--style", red, "-m", studio.model().string()});
  CHECK(nothing.code == 2);
}

TEST_CASE("eval --style: figures of every pair, those of the photographs at strength 0, wrong options") {
  const Studio studio;
  fs::create_directories(studio.folder / "contents");
  write_image(studio.folder / "contents/a.png", gradient(48, 40, 3, Depth::u8));
  write_image(studio.folder / "contents/b.png", noise(40, 44, 3, Depth::u8, 5));
  save_feature_network(studio.folder / "eye.safetensors",
                       *make_feature_network("vgg", {{"depth", 19}, {"width", 4}, {"convs", 5}}));
  const std::vector<std::string> all{
      "eval", studio.at("contents"),   "--style",           studio.at("styles"),
      "-m",   studio.model().string(), "--feature-network", studio.at("eye.safetensors")};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = all;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_ganvas(arguments);
  };
  const Finished full = with({"--json"}), none = with({"--json", "--strength", "0"});
  CHECK(full.code == 0);
  const auto lines = [](const Finished& done) {
    std::vector<nlohmann::json> found;
    std::istringstream stream(done.out);
    for (std::string line; std::getline(stream, line);) found.push_back(nlohmann::json::parse(line));
    return found;
  };
  REQUIRE(lines(full).size() == 5);
  CHECK(lines(full)[0].at("file") == "a.png");
  CHECK(lines(full)[0].at("gram_1_1").get<double>() > 0);
  const auto mean = lines(full).back().at("mean"), before = lines(none).back().at("mean");
  CHECK(mean.at("own_psnr").get<double>() < 100);
  CHECK(mean.at("gram_1_1") != before.at("gram_1_1"));
  CHECK(before.at("content").get<double>() == 0);
  CHECK(before.at("cnorm").get<double>() == 0);
  CHECK(before.at("own_psnr").get<double>() == doctest::Approx(100));
  CHECK(before.at("grid_4").get<double>() == before.at("grid_4_before").get<double>());
  CHECK(contains(with({}).out, "mean of 4 pairs"));
  CHECK(with({"--fid"}).code == 2);
  CHECK(run_ganvas({"eval", studio.at("contents"), "--style", studio.at("styles")}).code == 2);
  // And its facts, as a model.
  const Finished info = run_ganvas({"model", "info", studio.model().string(), "--json"});
  CHECK(info.code == 0);
  CHECK(nlohmann::json::parse(info.out).at("styles") == "any");
}

TEST_CASE("stylize: the model that ships is the default") {
  const Studio studio;
  const Finished done = run_ganvas({"stylize", studio.at("photos/a.png"), "--style", studio.at("styles/red.png"), "-o",
                                    studio.at("by-default.png"), "--json", "--threads", "1"});
  CAPTURE(done.err);
  REQUIRE(done.code == 0);
  const Finished named = run_ganvas({"stylize", studio.at("photos/a.png"), "--style", studio.at("styles/red.png"), "-o",
                                     studio.at("named.png"), "-m", "any-style", "--threads", "1"});
  REQUIRE(named.code == 0);
  const Image a = read_image(studio.folder / "by-default.png").image, b = read_image(studio.folder / "named.png").image;
  CHECK(cv::norm(a.pixels, b.pixels, cv::NORM_INF) == 0);
}

TEST_CASE("stylize --optimise: without a style network, in the picture's size, with what it can't do refused") {
  const Studio studio;
  save_feature_network(studio.folder / "eye.safetensors",
                       *make_feature_network("vgg", {{"depth", 19}, {"width", 4}, {"convs", 5}}));
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"stylize",
                                       studio.at("photos/a.png"),
                                       "-o",
                                       studio.at("o.png"),
                                       "--force",
                                       "--style",
                                       studio.at("styles/red.png"),
                                       "--optimise",
                                       "5",
                                       "--threads",
                                       "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_ganvas(arguments);
  };
  const std::vector<std::string> eye{"--feature-network", studio.at("eye.safetensors")};
  const Finished done = with(eye);
  CAPTURE(done.err);
  REQUIRE(done.code == 0);
  const Image before = read_image(studio.folder / "photos/a.png").image,
              after = read_image(studio.folder / "o.png").image;
  CHECK(after.pixels.size() == before.pixels.size());
  CHECK(cv::norm(after.pixels, before.pixels, cv::NORM_INF) > 4);
  CHECK(with({"--feature-network", studio.model().string()}).code != 0);
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"-m", studio.model().string()}, {"--steady", "first"}, {"--mask", studio.at("photos/a.png")}}) {
    const Finished refused = with(wrong);
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "--optimise"));
  }
}
