// All commands take the same files of a folder for its pictures, and the same ones for partners.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "cli/program.hpp"
#include "imaging/pictures.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

namespace {

void put_file(const fs::path& path, const Bytes& bytes) {
  fs::create_directories(path.parent_path());
  write_file_atomically(path, bytes);
}

Bytes picture(int seed) { return encode_image(noise(40, 36, 3, Depth::u8, seed), Format::png, {}); }

/// Pictures by extension and by content in depth, and what is none: notes, hidden files, a run's samples.
void fill(const fs::path& folder) {
  put_file(folder / "0001.png", picture(1));
  put_file(folder / "a.dat", picture(2));
  put_file(folder / "sub/2013-11-08 16.45", picture(3));
  put_file(folder / "notes.txt", bytes_of("text"));
  put_file(folder / ".hidden.png", picture(4));
  put_file(folder / "run/samples/x.png", picture(5));
  put_file(folder / "run/recipe.toml", {});
  put_file(folder / "run/log.jsonl", {});
}

}  // namespace

TEST_CASE("one set of pictures: every command takes the same files, and names the same as failed") {
  const TemporaryFolder folder;
  const std::string hr = folder / "hr", out = folder / "out", page = folder / "page.html";
  fill(hr);
  const auto check = [&](int code) {
    const int foreign = code;  // one picture of a format that isn't read, or none
    const Finished upscaled = run_ganvas({"upscale", hr, "-r", "-o", out, "-m", "photo-x2", "--dry-run", "--json"});
    CHECK(upscaled.code == code);
    CHECK(upscaled.lines().size() == static_cast<std::size_t>(3 + foreign));
    const Finished evaluated = run_ganvas({"eval", hr, hr, "--json"});
    CHECK(evaluated.code == code);
    CHECK(evaluated.lines().size() == 4);  // and the mean
    const Finished compared = run_ganvas({"compare", hr, "--hr", hr, "-o", page});
    CHECK(compared.code == code);
    CHECK(contains(compared.err, fmt::format("3 pictures compared, {} left out", foreign)));
    const Finished checked = run_ganvas({"data", "check", hr, "--scale", "2", "--crop", "8"});
    CHECK(checked.code == code);
    CHECK(line_count(checked.out) == foreign);
    CHECK(contains(checked.err, fmt::format("{} pictures, {} defects", 3 + foreign, foreign)));
    const Finished gray = run_ganvas({"data", "gray", hr, "-o", out, "--force"});
    CHECK(gray.code == code);
    CHECK(line_count(gray.out) == 3);
    for (const auto* result : {&upscaled, &evaluated, &compared, &checked, &gray})
      CHECK(contains(result->out + result->err, "is a Photoshop file") == (foreign == 1));
  };
  check(0);
  for (const char* name : {"0001.png", "a.png", "sub/2013-11-08 16.45.png"}) CHECK(fs::exists(out + "/" + name));
  put_file(hr + "/layers.psd", bytes_of("8BPS"));
  check(1);
}

TEST_CASE("one rule for partners: 0001x4.png belongs to 0001.png in every command, a_10.png to a_1.png in none") {
  const TemporaryFolder folder;
  const std::string hr = folder / "hr", sr = folder / "sr", page = folder / "page.html";
  put_file(hr + "/0001.png", picture(1));
  put_file(sr + "/0001x4.png", picture(1));
  const auto evaluate = [&] { return run_ganvas({"eval", hr, sr, "--json"}); };
  const auto compare = [&] { return run_ganvas({"compare", sr, "--hr", hr, "-o", page}); };
  const auto check = [&] { return run_ganvas({"data", "check", hr, "--lr-data", sr, "--scale", "4", "--crop", "4"}); };
  const auto pair = [&] { return run_ganvas({"data", "pair", hr, sr, "-o", folder / "out", "--force"}); };
  CHECK(evaluate().code == 0);
  CHECK(compare().code == 0);
  CHECK(pair().code == 0);
  CHECK(contains(check().out, "0001x4.png: 40x36 is not 1/4"));  // found, and too large for an LR picture
  fs::rename(hr + "/0001.png", hr + "/a_1.png");
  fs::rename(sr + "/0001x4.png", sr + "/a_10.png");
  for (const Finished& result : {evaluate(), compare(), check(), pair()}) {
    CHECK(result.code == 1);
    CHECK(contains(result.out + result.err, "a_1.png: no picture of this name in"));
  }
}

TEST_CASE("a film goes from ffmpeg to ffmpeg, in the formats of its pipes") {
  if (std::system("command -v ffmpeg >/dev/null 2>&1") != 0) {
    std::printf("[skipped] no ffmpeg\n");
    return;
  }
  for (const char* pipe : {"-f yuv4mpegpipe", "-f image2pipe -c:v ppm", "-f image2pipe -c:v png",
                           "-pix_fmt yuvj420p -f image2pipe -c:v mjpeg"}) {
    CAPTURE(pipe);
    const TemporaryFolder folder;
    const bool film = std::string_view(pipe).find("yuv4mpeg") != std::string_view::npos;
    const std::string command = fmt::format(
        "set -o pipefail; ffmpeg -v error -f lavfi -i testsrc=size=32x24:rate=5:duration=1 -pix_fmt yuv420p {} - | "
        "{} -q upscale - -o - -m photo-x2 | ffmpeg -v error {} -i - {}",
        pipe, GANVAS_BINARY, film ? "-f yuv4mpegpipe" : "-f image2pipe", (folder / "%d.png").string());
    const Finished done = run_ganvas({"-c", command}, {}, {.binary = "/bin/bash", .environment = {}});
    CAPTURE(done.err);
    CHECK(done.code == 0);
    for (int i = 1; i <= 5; ++i) {
      const Image frame = read_image(folder / fmt::format("{}.png", i)).image;
      CHECK(frame.width() == 64);
      CHECK(frame.height() == 48);
    }
    CHECK_FALSE(fs::exists(folder / "6.png"));
  }
}
