#include "ganvas/data/image_source.hpp"

#include <doctest/doctest.h>

#include "ganvas/imaging/codec.hpp"
#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

TEST_CASE("image source: classes are folders, whose names can be written down") {
  const TemporaryFolder folder;
  const auto add = [&](const char* name) {
    fs::create_directories(folder / name);
    write_image(folder / name / "a.png", Image(8, 8, 3, Depth::u8));
  };
  add("rose");
  CHECK(says(refusal(ErrorKind::data, [&] { image_classes({folder.path()}); }), {"1 folder with pictures"}));
  add("daisy");
  CHECK(image_classes({folder.path()}) == std::vector<std::string>{"daisy", "rose"});
  add("tulip\xff");
  CHECK(says(refusal(ErrorKind::data, [&] { image_classes({folder.path()}); }), {"tulip", "no UTF-8"}));
}
