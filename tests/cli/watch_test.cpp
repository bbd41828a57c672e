// Folders that are watched: files are taken when they are whole, once, and a signal is a clean end.
#include "cli/program.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

Bytes small_picture(int seed) { return encode_image(noise(20, 16, 3, Depth::u8, seed), Format::png, {}); }

std::vector<std::string> watching(const fs::path& in, const fs::path& out, std::vector<std::string> more = {}) {
  std::vector<std::string> all{"upscale",  in.string(), "-o",        out.string(), "--watch", "-m",
                               "photo-x2", "--json",    "--threads", "1",          "-q"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

bool whole(const fs::path& path) { return fs::exists(path); }  // outputs appear by rename only

}  // namespace

TEST_CASE("watch: what is there and what comes is done, a file that is being written not before it is whole") {
  const TemporaryFolder folder;
  const fs::path in = folder / "in", out = folder / "out";
  fs::create_directories(in);
  write_file_atomically(in / "a.png", small_picture(1));
  Program program(watching(in, out));
  bool begun = false, written = false;
  std::chrono::steady_clock::time_point begin;
  const Bytes second = small_picture(2);
  const auto put = [&](std::size_t from, std::size_t to) {
    std::FILE* file = std::fopen((in / "b.png").c_str(), from == 0 ? "wb" : "ab");
    REQUIRE(file);
    std::fwrite(second.data() + from, 1, to - from, file);
    std::fclose(file);
  };
  // The second one grows for longer than a look takes.
  std::size_t size = 0;
  program.signal_when(
      [&] {
        if (!begun && whole(out / "a.png")) {
          begun = true;
          begin = std::chrono::steady_clock::now();
        }
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        const auto wanted = std::min(second.size(), static_cast<std::size_t>(seconds / 2.5 * second.size()));
        if (begun && !written && wanted > size) {
          put(size, wanted);
          size = wanted;
          written = size == second.size();
        }
        return written && whole(out / "b.png");
      },
      SIGTERM);
  const Finished finished = program.finish();
  CAPTURE(finished.err);
  CHECK(finished.code == 0);
  const auto lines = finished.lines();
  REQUIRE(lines.size() == 2);
  for (const auto& line : lines) CHECK(line["status"] == "done");
  for (const char* name : {"a.png", "b.png"}) CHECK(read_image(out / name).image.width() == 40);
}

TEST_CASE("watch: a file that changes is done again, one that fails is named once, and both end with exit code 1") {
  const TemporaryFolder folder;
  const fs::path in = folder / "in", out = folder / "out";
  fs::create_directories(in);
  write_file_atomically(in / "a.png", small_picture(1));
  write_file_atomically(in / "broken.png", Bytes{1, 2, 3});
  write_file_atomically(in / "notes.txt", Bytes{'x'});
  Program program(watching(in, out));
  bool changed = false;
  program.signal_when(
      [&] {
        if (whole(out / "a.png") && !changed) {
          changed = true;
          write_file_atomically(in / "a.png", encode_image(noise(30, 16, 3, Depth::u8), Format::png, {}));
        }
        return changed && read_image(out / "a.png").image.width() == 60;
      },
      SIGINT);
  const Finished finished = program.finish();
  CAPTURE(finished.err);
  CHECK(finished.code == 1);
  CHECK(finished.lines().size() == 3);
  CHECK(line_count(finished.err) == 1);
  CHECK(contains(finished.err, "broken.png"));
}

TEST_CASE("watch: what can't be watched is refused") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "in");
  write_file_atomically(folder / "a.png", small_picture(1));
  const auto refused = [&](const fs::path& in, const std::string& out, std::vector<std::string> more,
                           const char* part) {
    std::vector<std::string> arguments{"upscale", in.string(), "-o", out, "--watch", "-m", "photo-x2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    check_error(run_ganvas(arguments), 2, {part});
  };
  refused(folder / "a.png", folder / "out", {}, "only folders can be watched");
  refused(folder / "in", "-", {}, "which results of watched folders need");
  refused(folder / "in", folder / "out", {"--limit", "3"}, "want a number of files");
  refused(folder / "in", folder / "out", {"--dry-run"}, "want a number of files");
  refused(folder / "in", folder / "out", {"--name", "{n}"}, "have no number {n}");
}
