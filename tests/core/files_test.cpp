#include "ganvas/core/files.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <functional>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "support/support.hpp"

using namespace ganvas;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

/// All names of a folder, hidden ones too.
std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

std::string failure(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::file);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("read_file: empty, large, pipes, folders, limits") {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "empty", std::string_view());
  CHECK(read_file(folder / "empty").empty());
  Bytes large(3'000'001);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i * i >> 3);
  write_file_atomically(folder / "large", large);
  CHECK(read_file(folder / "large") == large);
  CHECK(read_file(folder / "large", large.size()) == large);
  CHECK(failure([&] { read_file(folder / "large", large.size() - 1); }).find("limit") != std::string::npos);
  CHECK(failure([&] { read_file(folder.path()); }).find("folder") != std::string::npos);
  CHECK(failure([&] { read_file(folder / "absent"); }).find("absent") != std::string::npos);
  // A file that doesn't tell its size.
  CHECK(text_of("/proc/self/status").find("VmSize") != std::string::npos);
  CHECK(failure([&] { read_file("/dev/zero", 100000); }).find("limit") != std::string::npos);
}

TEST_CASE("AtomicFile: whole or not at all, no leftovers") {
  const test::TemporaryFolder folder;
  const fs::path target = folder / "out.bin";
  {
    AtomicFile file(target);
    file.write("half");
    CHECK_FALSE(fs::exists(target));
  }
  CHECK(entries(folder.path()) == 0);
  write_file_atomically(target, std::string_view("old"));
  {
    AtomicFile file(target);
    file.write("ne");
    CHECK(text_of(target) == "old");
    file.write(std::string_view("w\0!", 3));
    file.commit();
  }
  CHECK(text_of(target) == std::string("new\0!", 5));
  CHECK(entries(folder.path()) == 1);
  // While it grows, the file is hidden from listings.
  AtomicFile growing(target);
  CHECK(list_files(folder.path(), true) == std::vector{target});
  // Two writers of one target don't meet in one temporary file.
  AtomicFile other(target);
  growing.write("a");
  other.write("bb");
  growing.commit();
  other.commit();
  CHECK(text_of(target) == "bb");
  // The longest name that the file system takes, and one that isn't ASCII.
  const fs::path longest = folder / std::string(255, 'n'), unicode = folder / "Ünïcode 写真.png";
  for (const auto& path : {longest, unicode}) {
    write_file_atomically(path, std::string_view("x"));
    CHECK(text_of(path) == "x");
  }
}

TEST_CASE("AtomicFile: failures name the target and leave what was there") {
  const test::TemporaryFolder folder;
  CHECK(failure([&] {
          write_file_atomically(folder / "no/such/folder", std::string_view("x"));
        }).find("no/such/folder") != std::string::npos);
  fs::create_directory(folder / "sub");
  CHECK(failure([&] { write_file_atomically(folder / "sub", std::string_view("x")); }).find("sub") !=
        std::string::npos);
  CHECK(entries(folder.path()) == 1);
  // A full disk, in the shape of a limit on file sizes.
  write_file_atomically(folder / "full", std::string_view("old"));
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{}, tight{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  tight = before;
  tight.rlim_cur = 1000;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &tight) == 0);
  const std::string message = failure([&] { write_file_atomically(folder / "full", std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, previous);
  CHECK(message.find("full") != std::string::npos);
  CHECK(text_of(folder / "full") == "old");
  CHECK(entries(folder.path()) == 2);
}

TEST_CASE("glob_match") {
  const auto matches = [](std::string_view pattern, std::initializer_list<const char*> texts, bool expected) {
    for (const char* text : texts) {
      INFO(pattern << " against " << text);
      CHECK(glob_match(pattern, text) == expected);
    }
  };
  matches("*.png", {"a.png", ".png", "a.b.png"}, true);
  matches("*.png", {"a.PNG", "a.png.txt", "sub/a.png", "png", ""}, false);
  matches("**.png", {"a.png", "sub/a.png", "x/y/z.png"}, true);
  matches("**/a.png", {"a.png", "x/a.png", "x/y/a.png"}, true);
  matches("**/a.png", {"ba.png", "x/ba.png"}, false);
  matches("trip/**", {"trip/a.png", "trip/x/y.png"}, true);
  matches("trip/**", {"trips/a.png", "a/trip/b"}, false);
  matches("a?c", {"abc", "a.c"}, true);
  matches("a?c", {"ac", "a/c", "abbc"}, false);
  matches("[a-c]x[!0-9]", {"axy", "cx-"}, true);
  matches("[a-c]x[!0-9]", {"dxy", "ax5", "ax"}, false);
  matches("[]a]", {"]", "a"}, true);
  matches("[a-]", {"-", "a"}, true);
  matches("[ab", {"[ab"}, true);  // an unclosed class is itself
  matches("[ab", {"a"}, false);
  matches("", {""}, true);
  matches("*", {"", "a"}, true);
  matches("", {"a"}, false);
  matches("写*.jpg", {"写真.jpg"}, true);
  CHECK(has_glob_characters("a*"));
  CHECK(has_glob_characters("a[b]"));
  CHECK_FALSE(has_glob_characters("plain/path.png"));
}

TEST_CASE("list_files and expand_glob: sorted, hidden passed over, links to folders not followed") {
  const test::TemporaryFolder folder;
  for (const char* name : {"b.png", "a.png", ".hidden.png", "sub/c.png", "sub/.d.png", ".secret/e.png"}) {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << name;
  }
  fs::create_directory_symlink(folder.path(), folder / "sub/loop");
  fs::create_symlink(folder / "a.png", folder / "link.png");
  using Paths = std::vector<fs::path>;
  CHECK(list_files(folder.path(), false) == Paths{folder / "a.png", folder / "b.png", folder / "link.png"});
  CHECK(list_files(folder.path(), true) ==
        Paths{folder / "a.png", folder / "b.png", folder / "link.png", folder / "sub/c.png"});
  CHECK(expand_glob(folder / "[ab].png") == Paths{folder / "a.png", folder / "b.png"});
  CHECK(expand_glob(folder / "*.jpg").empty());
  CHECK_THROWS_AS(list_files(folder / "absent", false), Error);
  fs::create_symlink("nowhere", folder / "sub/lost.png");
  Paths unlisted;
  CHECK(list_files(folder.path(), true, &unlisted).size() == 4);
  CHECK(unlisted == Paths{folder / "sub/lost.png"});
  CHECK(why_unlisted(unlisted[0]).find("link") != std::string::npos);
}

TEST_CASE("the cache folder follows XDG, errors have exit codes, the flag of Ctrl-C") {
  setenv("XDG_CACHE_HOME", "/x/cache", 1);
  CHECK(cache_folder() == "/x/cache/ganvas");
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", "/home/u", 1);
  CHECK(cache_folder() == "/home/u/.cache/ganvas");

  CHECK(exit_code(ErrorKind::usage) == 2);
  CHECK(exit_code(ErrorKind::recipe) == 2);
  CHECK(exit_code(ErrorKind::interrupted) == 130);
  for (const auto kind : {ErrorKind::file, ErrorKind::model, ErrorKind::data, ErrorKind::memory, ErrorKind::internal})
    CHECK(exit_code(kind) == 1);

  CHECK_FALSE(interrupted());
  CHECK_NOTHROW(throw_if_interrupted());
  install_interrupt_handler();
  std::raise(SIGINT);
  CHECK(interrupted());
  CHECK_THROWS_AS(throw_if_interrupted(), Error);
  set_interrupted(false);
  CHECK_FALSE(interrupted());
  std::raise(SIGTERM);
  CHECK(interrupted());
  set_interrupted(false);
}
