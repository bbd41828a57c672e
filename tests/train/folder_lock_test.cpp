#include "train/loop/folder_lock.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/refusal.hpp"
#include "train/runs.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

TEST_CASE("a run's folder is held by one process, and by none that is dead") {
  const TemporaryFolder folder;
  const fs::path run = folder / "runs/x";
  {
    const FolderLock lock(run);
    says(refusal(ErrorKind::usage, [&] { FolderLock second(run); }), {"runs/x", "another process"});
  }
  CHECK_FALSE(fs::exists(run));  // nothing came of it
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const FolderLock lock(run);
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  refusal(ErrorKind::usage, [&] { FolderLock second(run); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const FolderLock third(run);
  CHECK(fs::exists(run));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("two runs at once in one folder: the second is refused before it reads its data") {
  const TemporaryFolder folder;
  write_pictures(folder / "pictures", 4);
  TrainOptions options = run_in(folder / "run", folder / "pictures");
  options.after_step = [&](std::int64_t step) {
    if (step != 1) return;
    says(refusal(ErrorKind::usage, [&] { train(tiny_recipe(), run_in(folder / "run", folder / "absent")); }),
         {"another process"});
  };
  CHECK(train(tiny_recipe(), options).finished);
  CHECK(log_lines(folder / "run", "train").size() == 4);
}
