#include "ganvas/core/scratch_file.hpp"

#include <algorithm>
#include <filesystem>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

TEST_CASE("scratch file: memory that keeps what it is given and leaves nothing behind") {
  const TemporaryFolder folder;
  {
    ScratchFile file(folder / "new");
    CHECK_FALSE(fs::exists(folder / "new"));  // nothing taken yet
    std::uint8_t* first = file.take(10'000);
    std::uint8_t* second = file.take(1);
    CHECK(std::all_of(first, first + 10'000, [](std::uint8_t value) { return value == 0; }));
    std::fill_n(first, 10'000, 7);
    *second = 9;
    CHECK(first[9'999] == 7);
    CHECK(*second == 9);
    CHECK(file.size() >= 10'001);
    CHECK(fs::is_empty(folder / "new"));  // no name, so nothing is left after a kill
  }
  write_file_atomically(folder / "file", std::string("x"));
  ScratchFile impossible(folder / "file" / "below");
  CHECK_THROWS_AS(impossible.take(1), Error);
}
