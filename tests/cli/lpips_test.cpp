// `ganvas eval --lpips` with published weights, as `ganvas model fetch` would leave them in the cache.
#include "cli/program.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// A cache folder that holds the published files under their names there, while it lives.
class Cache {
 public:
  Cache() {
    const fs::path shared = shared_folder() / "weights";
    fs::create_directories(folder_ / "ganvas/models");
    fs::create_symlink(shared / "squeezenet1_1-features.pth", folder_ / "ganvas/models/squeezenet1_1-b8a52dc0.pth");
    fs::create_symlink(shared / "lpips-v0.1/squeeze.pth", folder_ / "ganvas/models/lpips-squeeze.pth");
    ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  }
  ~Cache() { ::unsetenv("XDG_CACHE_HOME"); }
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("eval --lpips gives the published distances of the published example") {
  const fs::path images = shared_folder() / "weights/lpips-v0.1/images";
  SKIP_WITHOUT(images);
  const Cache cache;
  for (const auto& [name, expected] : {std::pair{"ex_p0.png", 0.7110}, std::pair{"ex_p1.png", 0.1479}}) {
    CAPTURE(name);
    const Finished result = run_ganvas({"eval", images / "ex_ref.png", images / name, "--lpips", "--json"});
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    REQUIRE(result.lines().size() == 2);
    CHECK(std::abs(result.lines()[0].at("lpips").get<double>() - expected) < 1e-3);
    CHECK(result.lines()[1].at("mean").at("lpips") == result.lines()[0].at("lpips"));
  }
  const Finished table = run_ganvas({"eval", images / "ex_ref.png", images / "ex_ref.png", "--lpips"});
  CHECK(table.code == 0);
  CHECK(contains(table.out, "LPIPS"));
  CHECK(contains(table.out, "0.0000\n"));
  CHECK_FALSE(contains(run_ganvas({"eval", images / "ex_ref.png", images / "ex_p0.png"}).out, "LPIPS"));
}

TEST_CASE("eval --lpips: what is missing is named, with the command that fetches it") {
  const TemporaryFolder folder;
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  write_image(folder / "a.png", gradient(48, 40, 3, Depth::u8));
  const auto says = [&](const std::vector<std::string>& options, const std::string& part) {
    std::vector<std::string> arguments{"eval", folder / "a.png", folder / "a.png"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished result = run_ganvas(arguments);
    CAPTURE(result.err);
    CHECK(result.code != 0);
    CHECK(contains(result.err, part));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  };
  says({"--lpips"}, "ganvas model fetch squeezenet1_1\n");
  says({"--lpips-network", "vgg16"}, "ganvas model fetch vgg16\n");
  says({"--lpips-network", folder / "a.png"}, "a.png");
  ::unsetenv("XDG_CACHE_HOME");
}

TEST_CASE("eval --lpips with the shipped network says that it isn't the published one") {
  const fs::path model = fs::path(GANVAS_SOURCE_DIR) / "models/features/model.safetensors";
  SKIP_WITHOUT(model);
  const fs::path cat = fs::path(GANVAS_SOURCE_DIR) / "data/samples/cat.png";
  const Finished result = run_ganvas({"eval", cat, "--bicubic", "--scale", "4", "--lpips-network", model, "--json"});
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK_FALSE(result.lines()[0].contains("lpips"));
  CHECK(result.lines()[0].at("lpips (features)").get<double>() > 0.05);
}
