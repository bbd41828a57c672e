#include "ganvas/sweep/claims.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "ganvas/core/files.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// A process that takes a claim and keeps it until it is killed.
class Holder {
 public:
  Holder(const fs::path& folder, double stale, const std::string& stamp = "") {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ClaimBoard board(folder, stale);
      const auto claim = board.take("trial-0000", 1, stamp);
      if (::write(ready[1], claim ? "y" : "n", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char answer = 0;
    REQUIRE(::read(ready[0], &answer, 1) == 1);
    got_it = answer == 'y';
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
  bool got_it = false;

 private:
  pid_t pid_ = -1;
};

/// Makes the newest claim of trial-0000 look like one of another machine.
void move_to_another_machine(const fs::path& file) {
  const Bytes bytes = read_file(file);
  auto json = nlohmann::json::parse(bytes.begin(), bytes.end());
  json["host"] = "elsewhere";
  std::ofstream(file) << json.dump();
}

}  // namespace

TEST_CASE("sweep: of many threads and processes that want the same, one at a time gets it") {
  const TemporaryFolder folder;
  std::atomic<int> inside{0}, most{0}, taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&] {
      ClaimBoard board(folder / "claims", 30);
      for (int round = 0; round < 40; ++round) {
        const auto claim = board.take("trial-0000", 0, "");
        if (!claim) continue;
        ++taken;
        most = std::max(most.load(), ++inside);
        std::this_thread::yield();
        --inside;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(taken > 0);
  // Given back, it is free at once, and other names were never touched.
  ClaimBoard board(folder / "claims", 30);
  const auto held = board.take("trial-0000", 2, "");
  REQUIRE(held);
  CHECK_FALSE(board.take("trial-0000", 2, ""));
  CHECK(board.take("trial-0001", 0, ""));
  CHECK(board.rungs() == std::map<std::string, int>{{"trial-0000", 2}, {"trial-0001", 0}});
}

TEST_CASE("sweep: what a killed process held is free at once on its machine") {
  const TemporaryFolder folder;
  Holder holder(folder / "claims", 1000);
  REQUIRE(holder.got_it);
  ClaimBoard board(folder / "claims", 1000);
  CHECK_FALSE(board.take("trial-0000", 1, ""));
  holder.kill();
  const auto claim = board.take("trial-0000", 1, "");
  REQUIRE(claim);
  CHECK(claim->deaths() == 1);
  CHECK_NOTHROW(claim->check_now());
}

TEST_CASE("sweep: elsewhere it is free after the time that its owner stated, and not before") {
  const TemporaryFolder folder;
  Holder holder(folder / "claims", 0.5);
  move_to_another_machine(folder / "claims/trial-0000.0");
  ClaimBoard board(folder / "claims", 1000);
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  CHECK_FALSE(board.take("trial-0000", 1, ""));  // it lives: its heart beats more often than that
  holder.kill();
  std::unique_ptr<Claim> claim;
  for (int i = 0; i < 500 && !claim; ++i) {
    claim = board.take("trial-0000", 1, "");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(claim);
}

TEST_CASE("sweep: a process that was taken for dead finds out, and two takers don't both win") {
  const TemporaryFolder folder;
  ClaimBoard board(folder / "claims", 1000);
  const auto mine = board.take("trial-0000", 0, "");
  REQUIRE(mine);
  // As after a suspension: somebody took over.
  std::ofstream(folder / "claims/trial-0000.1") << "{}";
  CHECK_THROWS_AS(mine->check_now(), ClaimLost);
  CHECK_THROWS_AS(mine->check(), ClaimLost);
  // Who comes now sees a claim whose owner is just writing it.
  CHECK_FALSE(board.take("trial-0000", 0, ""));
}

TEST_CASE("sweep: deaths count as long as nothing gets further") {
  const TemporaryFolder folder;
  const auto deaths = [&](const std::string& stamp) {
    ClaimBoard board(folder / "claims", 1000);
    const auto claim = board.take("trial-0000", 1, stamp);
    REQUIRE(claim);
    return claim->deaths();
  };
  for (int i = 0; i < 3; ++i) Holder(folder / "claims", 1000, "a").kill();
  CHECK(deaths("b") == 0);  // there was a checkpoint since
  CHECK(deaths("b") == 0);  // given back is no death
  for (int i = 0; i < 2; ++i) Holder(folder / "claims", 1000, "b").kill();
  CHECK(deaths("b") == 2);
}
