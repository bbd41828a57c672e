#include <chrono>

#include "infer/batches.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("batch: outputs get their inputs' times where that is asked for, whatever was there before") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "in/sub");
  const auto then = fs::file_time_type::clock::now() - std::chrono::hours(24 * 400);
  for (const char* name : {"in/a.png", "in/sub/b.png"}) {
    write_image(folder / name, noise(5, 4, 3, Depth::u8));
    fs::last_write_time(folder / name, then);
  }
  const auto is_old = [&](const char* name) { return fs::last_write_time(folder / name) == then; };
  BatchOptions options = from_to(folder / "in", folder / "out");
  options.recursive = true;
  CHECK(run(options).summary.done == 2);
  CHECK_FALSE(is_old("out/a.png"));
  options.keep_times = options.force = true;
  CHECK(run(options).summary.done == 2);
  CHECK(is_old("out/a.png"));
  CHECK(is_old("out/sub/b.png"));
  CHECK(is_old("in/a.png"));
}
