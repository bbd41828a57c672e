// Names as they are given, and what the machine or its owner doesn't allow.
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "cli/program.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

TEST_CASE("command: names in brackets are taken as they are") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "[2024]");
  write_image(folder / "[2024]/x.png", noise(8, 8, 3, Depth::u8));
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  for (const char* input : {"[2024]", "[2024]/x.png"}) {
    const Finished done = run_ganvas({"upscale", input, "-o", "[a,b]", "--dry-run", "--include=[x].[p]ng"});
    CAPTURE(done.err);
    CHECK(done.code == 0);
    CHECK(contains(done.out, "[2024]/x.png 8x8 -> [a,b]/x.png 32x32"));
  }
  CHECK(contains(run_ganvas({"upscale", "[a,b]", "-o", "out"}).err, "[a,b]: no file matches"));
  CHECK(contains(run_ganvas({"train", "[r]", "--data", "[a,b]"}).err, "[r]: no such recipe"));
  fs::current_path(before);
}

TEST_CASE("command: one signal ends a wait for a pipe, limits on threads and memory are one line") {
  const TemporaryFolder folder;
  const fs::path pipe = folder / "x.png";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  Program waiting({"upscale", pipe.string(), "-o", (folder / "y.png").string()});
  // Until it has asked for the pipe; a second is as good a guess as any.
  waiting.signal_when(
      [begin = std::chrono::steady_clock::now()] {
        return std::chrono::steady_clock::now() - begin > std::chrono::seconds(1);
      },
      SIGTERM);
  CHECK(waiting.finish().code == 130);

  // The program and its library each have a flag: a signal while the library is loaded counts too.
  Program loading({"upscale", pipe.string(), "-o", (folder / "y.png").string()});
  loading.signal_when([&] { return loading.has_mapped("libganvas-commands"); }, SIGTERM);
  const Finished ended = loading.finish();
  CHECK(ended.code == 130);
  CHECK(ended.err == "error: interrupted\n");

  fs::remove(pipe);
  write_image(folder / "a.png", noise(8, 8, 3, Depth::u8));
  const std::string command = std::string(GANVAS_BINARY) + " upscale " + (folder / "a.png").string() + " -o " +
                              (folder / "b.png").string() + " --force 2> " + (folder / "err").string();
  for (const char* limit : {"350000", "450000", "600000", "700000"}) {
    CAPTURE(limit);
    const int status =
        std::system(("ulimit -c 0; ulimit -v " + std::string(limit) + "; timeout -k 1 60 " + command).c_str());
    REQUIRE(WIFEXITED(status));
    const Bytes bytes = read_file(folder / "err");
    const std::string text(bytes.begin(), bytes.end());
    CAPTURE(text);
    CHECK((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 1));
    CHECK(std::count(text.begin(), text.end(), '\n') >= 1);
  }
}

TEST_CASE("command: what comes without end and is no picture ends at once") {
  const TemporaryFolder folder;
  const std::string command = "timeout -k 1 60 " + std::string(GANVAS_BINARY) + " upscale - -o " +
                              (folder / "b.png").string() + " 2> " + (folder / "err").string();
  const auto error_of = [&](const std::string& input) {
    const int status = std::system((input + command).c_str());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
    const Bytes bytes = read_file(folder / "err");
    return std::string(bytes.begin(), bytes.end());
  };
  CHECK(contains(error_of("yes | "), "standard input: is no picture"));
  CHECK(contains(error_of("(printf 'P6 30000 30000 255\n'; yes) | "), "claims 30000 x 30000 pixels"));
}

TEST_CASE("command: a file of defaults for any option, which the command line overrides") {
  const TemporaryFolder folder;
  write_image(folder / "a.png", noise(8, 8, 3, Depth::u8));
  fs::create_directories(folder / "ganvas");
  const Setting setting{.environment = {{"XDG_CONFIG_HOME", folder.path().string()}}};
  const auto planned = [&](const std::string& defaults, std::vector<std::string> arguments = {}) {
    write_file_atomically(folder / "ganvas/defaults.toml", defaults);
    arguments.insert(arguments.begin(), {"upscale", folder / "a.png", "-o", folder / "out", "--dry-run"});
    return run_ganvas(arguments, {}, setting);
  };
  const std::string defaults = "[upscale]\nscale = 3\nname = \"{stem}_big\"\n[translate]\nmode = \"train\"\n";
  CHECK(contains(planned(defaults).out, "out/a_big.png 24x24"));
  CHECK(contains(planned(defaults, {"--scale", "2"}).out, "out/a_big.png 16x16"));
  CHECK(contains(planned(defaults, {"--defaults", "/dev/null"}).out, "out/a.png 32x32"));
  const Finished unknown = planned("[upscale]\nscael = 3\n");
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "defaults.toml"));
  CHECK(contains(unknown.err, "scael"));
  const Finished wrong = planned("[upscale]\nscale = \"no\"\n");
  CHECK(wrong.code == 2);
  CHECK(contains(wrong.err, "defaults.toml: [upscale] --scale: expected a number from 0.0001 to 10000, not no"));
  CHECK(planned("[upscale]\nscale = \"no\"\n", {"--help"}).code == 0);
  // It spoils no other command, but a table of no command is a slip whatever is done.
  CHECK(planned("[translate]\nprecision = \"no\"\n").code == 0);
  CHECK(contains(planned("[upscal]\nscale = 2\n").err, "[upscal] is no command's table"));
  CHECK(contains(planned("", {"--defaults", "/dev/zero"}).err, "/dev/zero: is longer than any file of options"));
}

TEST_CASE("command: inputs from a file or standard input, and what is asked of metadata") {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "b c.png", "[d].png"}) write_image(folder / name, noise(8, 8, 3, Depth::u8));
  std::string lines, zeros;
  for (const char* name : {"a.png", "b c.png", "[d].png"}) {
    lines += (folder / name).string() + "\n";
    zeros += (folder / name).string() + std::string(1, '\0');
  }
  write_file_atomically(folder / "list", lines);
  const std::vector<std::string> upscale{"upscale", "-o", folder / "out", "--dry-run"};
  const auto with = [&](std::vector<std::string> more, const std::string& input = {}) {
    more.insert(more.begin(), upscale.begin(), upscale.end());
    return run_ganvas(more, input);
  };
  for (const Finished& done : {with({"--files-from", folder / "list"}), with({"--files-from", "-"}, lines),
                               with({"--files-from", "-"}, zeros)}) {
    CAPTURE(done.err);
    CHECK(done.code == 0);
    CHECK(std::count(done.out.begin(), done.out.end(), '\n') == 3);
    CHECK(contains(done.out, "[d].png 32x32"));
    CHECK(contains(done.err, "megapixels"));
  }
  CHECK(contains(with({"--files-from", "-"}, "").err, "--files-from -: the list is empty"));
  CHECK(with({"--files-from", "-"}, (folder / "a.png").string() + "\r\n").code == 0);  // a list from Windows
  CHECK(with({}).code == 2);
  CHECK(with({"--files-from", folder / "absent"}).code != 0);
  for (const char* wrong : {"50%", "0", "-3"}) {
    const Finished refused = with({folder / "a.png", std::string("--width=") + wrong});
    CHECK(refused.code == 2);
    CHECK(refused.err.size() < 200);
  }
  for (const char* what : {"nothing", "gps", "metadata-but-icc", "all"})
    CHECK(with({folder / "a.png", "--strip", what, "--dpi", "300"}).code == 0);
  CHECK(with({folder / "a.png", "--strip", "icc"}).code == 2);
}
