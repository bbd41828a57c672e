#include <cstdlib>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/places.hpp"
#include "support/support.hpp"

using namespace ganvas;
namespace fs = std::filesystem;

TEST_CASE("find_model: files in the cache by name, with and without the digits of a hash") {
  const test::TemporaryFolder folder;
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  const fs::path models = folder / "ganvas/models";
  fs::create_directories(models);
  for (const char* name :
       {"vgg19-dcbb9e9d.pth", "vgg16-notahash.pth", "realesr-general-x4v3.pth", ".vgg11-0123abcd.pth"})
    write_file_atomically(models / name, std::string_view("x"));
  CHECK(find_model("vgg19") == models / "vgg19-dcbb9e9d.pth");
  // A run's folder stands for its last network, or for its best as long as there is no last.
  const fs::path run = models / "run";
  fs::create_directories(run);
  write_file_atomically(run / "recipe.toml", "x");
  CHECK_THROWS_AS(find_model(run.string()), Error);
  write_file_atomically(run / "best.safetensors", "x");
  CHECK(find_model(run.string()) == run / "best.safetensors");
  write_file_atomically(run / "model.safetensors", "x");
  CHECK(find_model(run.string()) == run / "model.safetensors");
  CHECK(find_model("vgg19-dcbb9e9d") == models / "vgg19-dcbb9e9d.pth");
  CHECK(find_model("realesr-general-x4v3") == models / "realesr-general-x4v3.pth");
  for (const char* name : {"vgg16", "vgg", "vgg11", "realesr", "realesr-general"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(find_model(name), Error);
  }
  // A folder that can't be looked at has no models.
  fs::create_directory_symlink(folder / "circle", folder / "circle");
  ::setenv("XDG_CACHE_HOME", (folder / "circle").c_str(), 1);
  CHECK_THROWS_AS(find_model("vgg19"), Error);
  CHECK_THROWS_AS(find_recipe("no-such-recipe"), Error);
  ::unsetenv("XDG_CACHE_HOME");
}
