// ganvas data degrade: exit codes, streams and files. What the degradations do is tested in tests/imaging and
// tests/data.
#include <doctest/doctest.h>

#include <filesystem>

#include "cli/program.hpp"
#include "imaging/pictures.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

namespace {

Finished degrade(const fs::path& in, const fs::path& out, const std::vector<std::string>& further = {}) {
  std::vector<std::string> arguments{"data", "degrade", in.string(), "-o", out.string()};
  arguments.insert(arguments.end(), further.begin(), further.end());
  return run_ganvas(arguments);
}

}  // namespace

TEST_CASE("data degrade: the tree is mirrored, sizes follow the scale, one seed gives one picture") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "hr" / "trip");
  write_image(folder / "hr" / "a.png", gradient(48, 32, 3, Depth::u8));
  write_image(folder / "hr" / "trip" / "b.png", gradient(40, 40, 3, Depth::u8));
  const Finished first = degrade(folder / "hr", folder / "one", {"--scale", "4", "--seed", "7", "--compare"});
  CHECK(first.code == 0);
  CHECK(contains(first.out, (folder / "one" / "trip" / "b.png").string() + "\n"));
  CHECK(contains(first.err, "2 pictures degraded, 0 failed"));
  const Image a = read_image(folder / "one" / "a.png").image;
  CHECK(a.width() == 12);
  CHECK(a.height() == 8);
  CHECK(read_image(folder / "one-compare" / "a.png").image.width() == 96);  // enlarged and original

  CHECK(degrade(folder / "hr", folder / "two", {"--scale", "4", "--seed", "7"}).code == 0);
  CHECK(same(a, read_image(folder / "two" / "a.png").image));
  CHECK(degrade(folder / "hr", folder / "three", {"--scale", "4", "--seed", "8"}).code == 0);
  CHECK_FALSE(same(a, read_image(folder / "three" / "a.png").image));
}

TEST_CASE("data degrade: what is there stays, what is broken is named, the rest is done") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "hr");
  write_image(folder / "hr" / "a.png", gradient(32, 32, 3, Depth::u8));
  write_file_atomically(folder / "hr" / "broken.png", std::string("no picture"));
  const Finished first = degrade(folder / "hr", folder / "lr");
  CHECK(first.code == 1);
  CHECK(contains(first.err, "broken.png"));
  CHECK(contains(first.err, "1 pictures degraded, 1 failed"));
  const Bytes before = read_file(folder / "lr" / "a.png");

  const Finished again = degrade(folder / "hr" / "a.png", folder / "lr", {"--seed", "9"});
  CHECK(again.code == 1);
  CHECK(contains(again.err, "--force"));
  CHECK(read_file(folder / "lr" / "a.png") == before);
  CHECK(degrade(folder / "hr" / "a.png", folder / "lr", {"--seed", "9", "--force"}).code == 0);
  CHECK(read_file(folder / "lr" / "a.png") != before);

  CHECK(degrade(folder / "hr", folder / "x", {"--set", "degrade.kind=none"}).code == 2);
  CHECK(degrade(folder / "empty", folder / "x").code != 0);
  CHECK_FALSE(fs::exists(folder / "x"));
}
