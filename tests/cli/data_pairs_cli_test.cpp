// ganvas data pair, edges, gray and labels: exit codes, streams and files. tests/imaging has what they compute.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/program.hpp"
#include "imaging/pictures.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

namespace {

Finished data(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "data");
  return run_ganvas(arguments);
}

Image read(const fs::path& path) { return read_image(path).image; }

Image part(const Image& image, int from, int to) { return Image(image.pixels.colRange(from, to)); }

void put_picture(const fs::path& path, const Image& image) {
  fs::create_directories(path.parent_path());
  write_image(path, image);
}

/// Messages without the progress, which takes one line or more.
int messages(const std::string& err) {
  int count = 0;
  std::istringstream stream(err);
  for (std::string line; std::getline(stream, line);)
    count += line.starts_with("error: ") || line.starts_with("warning: ");
  return count;
}

}  // namespace

TEST_CASE("data pair: partners by stem, the tree mirrored, A on the left") {
  const TemporaryFolder folder;
  const Image a = noise(9, 6, 3, Depth::u8, 1), b = noise(9, 6, 3, Depth::u8, 2), wide = noise(9, 6, 3, Depth::u16, 3);
  put_picture(folder / "a/trip/x.y.png", a);
  put_picture(folder / "b/trip/x.y.bmp", b);
  write_file_atomically(folder / "a/2013-11-08 16.45", encode_image(a, Format::tiff, {}));  // no extension
  put_picture(folder / "b/2013-11-08 16.45.ppm", b);
  put_picture(folder / "a/wide.png", wide);
  put_picture(folder / "b/wide.tif", noise(9, 6, 1, Depth::u16));
  put_picture(folder / "a/mixed.png", wide);
  put_picture(folder / "b/mixed.png", b);
  const Finished done = data({"pair", folder / "a", folder / "b", "-o", folder / "out"});
  CHECK(done.code == 0);
  CHECK(line_count(done.out) == 4);
  CHECK(contains(done.out, (folder / "out/trip/x.y.png").string() + "\n"));
  for (const char* name : {"trip/x.y.png", "2013-11-08 16.45.png"}) {
    const Image both = read(folder.path() / "out" / name);
    CHECK(same(part(both, 0, 9), a));
    CHECK(same(part(both, 9, 18), b));
  }
  CHECK(same(part(read(folder / "out/wide.png"), 0, 9), wide));
  CHECK(read(folder / "out/mixed.png").depth() == Depth::u8);
  CHECK(contains(done.err, (folder / "a/mixed.png").string() + ": made 8 bit, as"));
  CHECK(contains(done.err, "4 pictures paired, 0 failed"));
  CHECK(messages(done.err) == 1);

  const Finished pnm = data({"pair", folder / "a", folder / "b", "-o", folder / "jpg", "--format", "jpg"});
  CHECK(pnm.code == 0);
  CHECK(contains(pnm.err, "wide.jpg: at a smaller depth"));
  CHECK(read_image(folder / "jpg/trip/x.y.jpg").format == Format::jpeg);
  CHECK(data({"pair", folder / "a", folder / "b", "-o", folder / "x", "--format", "gif"}).code == 2);
  CHECK(data({"pair", folder / "a", folder / "c", "-o", folder / "x"}).code == 1);
  CHECK(data({"pair", folder / "a", folder / "b", "-o", folder / "b"}).code == 2);  // among the originals
  CHECK_FALSE(fs::exists(folder / "x"));
}

TEST_CASE("data pair: what doesn't fit is named in one line each, the rest is done") {
  const TemporaryFolder folder;
  const Image picture = noise(9, 6, 3, Depth::u8);
  for (const char* name : {"a/fine.png", "b/fine.png", "a/alone.png", "b/lonely.png", "a/small.png", "a/broken.png",
                           "a/twice.png", "b/twice.png", "b/twice.bmp"})
    put_picture(folder.path() / name, picture);
  put_picture(folder / "b/small.png", noise(8, 6, 3, Depth::u8));
  write_file_atomically(folder / "b/broken.png", std::string("no picture"));
  const std::vector<std::string> command{"pair", folder / "a", folder / "b", "-o", folder / "out"};
  const Finished done = data(command);
  CHECK(done.code == 1);
  CHECK(done.out == (folder / "out/fine.png").string() + "\n");
  CHECK(messages(done.err) == 5);
  CHECK(contains(done.err, (folder / "a/alone.png").string() + ": no picture of this name in"));
  CHECK(contains(done.err, (folder / "b/lonely.png").string() + ": no picture of this name in"));
  CHECK(contains(done.err, (folder / "a/small.png").string() + ": 9x6 and 8x6"));
  CHECK(contains(done.err, "error: " + (folder / "b/broken.png").string() + ": is no picture"));
  CHECK(contains(done.err, "twice.bmp and "));
  CHECK(contains(done.err, "1 pictures paired, 5 failed"));

  fs::remove_all(folder / "b");
  put_picture(folder / "b/fine.png", noise(9, 6, 3, Depth::u8, 7));
  const Bytes before = read_file(folder / "out/fine.png");
  CHECK(contains(data(command).err, "--force"));
  CHECK(read_file(folder / "out/fine.png") == before);
  auto forced = command;
  forced.push_back("--force");
  data(forced);
  CHECK(read_file(folder / "out/fine.png") != before);
}

TEST_CASE("data edges: both methods, dark on white or white on black, alone or beside the photograph") {
  const TemporaryFolder folder;
  Image photo(40, 30, 3, Depth::u8);
  photo.pixels.setTo(cv::Scalar(40, 90, 60));
  photo.pixels(cv::Rect(10, 8, 20, 12)).setTo(cv::Scalar(220, 200, 90));
  put_picture(folder / "in/a.png", photo);
  put_picture(folder / "in/sub/deep.png", to_depth(photo, Depth::u16));
  for (const std::string method : {"canny", "log"}) {
    const auto run = [&](const std::string& out, std::vector<std::string> more) {
      more.insert(more.begin(), {"edges", folder / "in", "-o", folder / (method + out), "--method", method});
      return data(more);
    };
    CHECK(run("1", {}).code == 0);
    const Image drawing = read(folder / (method + "1/a.png"));
    CHECK(drawing.channels() == 1);
    CHECK(drawing.pixels.at<uchar>(0, 0) == 255);
    CHECK(cv::countNonZero(drawing.pixels == 0) > 50);
    CHECK(cv::countNonZero(drawing.pixels == 0) < 80);
    CHECK(run("2", {"--white-lines"}).code == 0);
    CHECK(same(Image(255 - drawing.pixels), read(folder / (method + "2/a.png"))));
    CHECK(run("3", {"--pair"}).code == 0);
    const Image pair = read(folder / (method + "3/a.png"));
    CHECK(same(part(pair, 0, 40), to_rgb(drawing)));
    CHECK(same(part(pair, 40, 80), photo));
    CHECK(same(part(read(folder / (method + "3/sub/deep.png")), 40, 80), to_depth(photo, Depth::u16)));
  }
  CHECK(data({"edges", folder / "in", "-o", folder / "none", "--high", "2000"}).code == 0);
  CHECK(cv::countNonZero(read(folder / "none/a.png").pixels == 0) == 0);
  for (const auto& wrong : std::vector<std::vector<std::string>>{{"--threshold", "3"},
                                                                 {"--low", "9", "--high", "3"},
                                                                 {"--method", "log", "--high", "3"},
                                                                 {"--method", "log", "--sigma", "0"},
                                                                 {"--method", "sobel"}}) {
    std::vector<std::string> command{"edges", folder / "in", "-o", folder / "x"};
    command.insert(command.end(), wrong.begin(), wrong.end());
    CHECK(data(command).code == 2);
  }
  CHECK_FALSE(fs::exists(folder / "x"));
}

TEST_CASE(
    "data gray: luma, alone and beside the colours, and results inside the folder are no pictures of the next run") {
  const TemporaryFolder folder;
  const Image photo = noise(9, 6, 3, Depth::u16);
  put_picture(folder / "in/a.png", photo);
  put_picture(folder / "in/g.png", noise(9, 6, 1, Depth::u8));
  const Finished first = data({"gray", folder / "in", "-o", folder / "in/gray"});
  CHECK(first.code == 0);
  CHECK(same(read(folder / "in/gray/a.png"), to_gray(photo)));
  const Finished second = data({"gray", folder / "in", "-o", folder / "in/gray", "--pair", "--force"});
  CHECK(second.code == 0);
  CHECK(line_count(second.out) == 2);
  CHECK(contains(second.err, "g.png: is gray already"));
  const Image pair = read(folder / "in/gray/a.png");
  CHECK(same(part(pair, 0, 9), to_rgb(to_gray(photo))));
  CHECK(same(part(pair, 9, 18), photo));

  const Bytes before = read_file(folder / "in/a.png");
  CHECK(data({"gray", folder / "in/a.png", "-o", folder / "in", "--force"}).code == 1);
  CHECK(read_file(folder / "in/a.png") == before);
}

TEST_CASE("data edges: Ctrl-C ends it with whole pictures alone") {
  const TemporaryFolder folder;
  const int count = 60;
  for (int i = 0; i < count; ++i)
    put_picture(folder / fmt::format("in/{:02}.pgm", i), noise(500, 400, 1, Depth::u8, i));
  const auto finished_files = [&] { return fs::exists(folder / "out") ? list_files(folder / "out", true).size() : 0; };
  Program stopped({"data", "edges", folder / "in", "-o", folder / "out"});
  stopped.signal_when([&] { return finished_files() >= 2; }, SIGINT);
  const Finished result = stopped.finish();
  CHECK(result.code == 130);
  CHECK(contains(result.err, "interrupted"));
  CHECK(finished_files() < count);
  for (const auto& entry : fs::directory_iterator(folder / "out")) CHECK(read(entry.path()).width() == 500);
}

TEST_CASE("data labels: to colours and back, with the default colours and with one's own") {
  const TemporaryFolder folder;
  Image narrow(6, 4, 1, Depth::u8), wide(6, 4, 1, Depth::u16);
  narrow.pixels.setTo(1);
  narrow.pixels.col(2).setTo(255);
  wide.pixels.setTo(1);
  wide.pixels.col(2).setTo(30000);
  put_picture(folder / "in/sub/narrow.png", narrow);
  CHECK(data({"labels", folder / "in", "-o", folder / "map"}).code == 0);
  const Image map = read(folder / "map/sub/narrow.png");
  CHECK(map.pixels.at<cv::Vec3b>(0, 0) == cv::Vec3b(128, 0, 0));
  CHECK(map.pixels.at<cv::Vec3b>(3, 2) == cv::Vec3b(224, 224, 192));
  CHECK(data({"labels", folder / "map", "-o", folder / "back", "--reverse"}).code == 0);
  CHECK(same(read(folder / "back/sub/narrow.png"), narrow));

  put_picture(folder / "in/wide.png", wide);
  write_file_atomically(folder / "colours.txt", std::string("# index colour\n1 #102030\n30000 9 9 9\n255 0 255 0\n"));
  CHECK(data({"labels", folder / "in", "-o", folder / "map2", "--palette", folder / "colours.txt"}).code == 0);
  CHECK(read(folder / "map2/wide.png").pixels.at<cv::Vec3b>(0, 2) == cv::Vec3b(9, 9, 9));
  const std::vector<std::string> back{"labels",    folder / "map2",       "-o", folder / "back2", "--reverse",
                                      "--palette", folder / "colours.txt"};
  CHECK(data(back).code == 0);
  CHECK(same(read(folder / "back2/wide.png"), wide));

  // Palette PNGs count by their entries' numbers.
  fs::create_directories(folder / "pal");
  write_file_atomically(folder / "pal/p.png", make_png(2, 1, 8, 3, {0, 1, 0}, png_chunk("PLTE", {7, 7, 7, 200, 1, 1})));
  CHECK(data({"labels", folder / "pal", "-o", folder / "pal-map"}).code == 0);
  CHECK(read(folder / "pal-map/p.png").pixels.at<cv::Vec3b>(0, 0) == cv::Vec3b(128, 0, 0));
  CHECK(read(folder / "pal-map/p.png").pixels.at<cv::Vec3b>(0, 1) == cv::Vec3b(0, 0, 0));
}

TEST_CASE("data labels: numbers without colours, strangers, photographs and wrong tables are named") {
  const TemporaryFolder folder;
  Image map(6, 4, 3, Depth::u8);
  map.pixels.setTo(cv::Scalar(128, 0, 0));
  put_picture(folder / "maps/fine.png", map);
  map.pixels.at<cv::Vec3b>(3, 1) = {128, 17, 0};
  put_picture(folder / "maps/odd.png", map);
  const Finished back = data({"labels", folder / "maps", "-o", folder / "back", "--reverse"});
  CHECK(back.code == 1);
  CHECK(line_count(back.out) == 1);
  CHECK(contains(back.err, (folder / "maps/odd.png").string() + ": 1 colours (1 pixels)"));
  CHECK(contains(back.err, "#801100 at 1,3"));
  CHECK(data({"labels", folder / "maps/odd.png", "-o", folder / "back", "--reverse", "--tolerance", "20", "--classes",
              "2"})
            .code == 0);

  put_picture(folder / "in/photo.png", map);
  put_picture(folder / "in/lossy.jpg", to_gray(map));
  write_file_atomically(folder / "t.txt", std::string("7 0 0 0\n"));
  put_picture(folder / "in/numbers.png", Image(cv::Mat(4, 6, CV_8UC1, cv::Scalar(3))));
  const Finished there = data({"labels", folder / "in", "-o", folder / "x", "--palette", folder / "t.txt"});
  CHECK(there.code == 1);
  CHECK(contains(there.err, "photo.png: is in colour"));
  CHECK(contains(there.err, "lossy.jpg: is a JPEG"));
  CHECK(contains(there.err, "numbers.png: class 3 at 0,0 has no colour"));
  write_file_atomically(folder / "t.txt", std::string("7 0 0\n"));
  CHECK(contains(data({"labels", folder / "in", "-o", folder / "x", "--palette", folder / "t.txt"}).err, "t.txt:1"));
  CHECK(data({"labels", folder / "in", "-o", folder / "x", "--tolerance", "3"}).code == 2);  // needs --reverse
  CHECK_FALSE(fs::exists(folder / "x"));
}
