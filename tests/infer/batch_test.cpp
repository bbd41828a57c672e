#include "ganvas/infer/batch.hpp"

#include <atomic>
#include <fstream>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <set>
#include <sstream>

#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// Work that enlarges by repetition, and counts.
struct Doubling {
  std::atomic<int> calls{0};
  std::function<void(const Image&)> before;
  BatchWork work() {
    return {.verb = "double",
            .output_size = [](int width, int height) { return cv::Size(2 * width, 2 * height); },
            .process =
                [this](const Image& image, cv::Size size, const std::function<void(double)>& progress) {
                  ++calls;
                  if (before) before(image);
                  progress(0.5);
                  Image result;
                  cv::resize(image.pixels, result.pixels, size, 0, 0, cv::INTER_NEAREST);
                  progress(1);
                  return result;
                }};
  }
};

struct Run {
  BatchSummary summary;
  std::string out;
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> parsed;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);) parsed.push_back(nlohmann::json::parse(line));
    return parsed;
  }
};

Run run(const BatchOptions& options) {
  Doubling doubling;
  std::ostringstream out;
  const BatchSummary summary = run_batch(options, doubling.work(), out);
  return {summary, out.str()};
}

BatchOptions from_to(const fs::path& in, const fs::path& out) {
  BatchOptions options;
  options.inputs = {in.string()};
  options.output = out.string();
  return options;
}

std::string refusal(const BatchOptions& options, ErrorKind kind = ErrorKind::usage) {
  try {
    run(options);
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  return "was accepted";
}

/// Every regular file below a folder, hidden ones too, relative and sorted.
std::set<std::string> tree(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.insert(entry.path().lexically_relative(folder).string());
  return names;
}

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

void write_picture(const fs::path& path, int width = 9, int height = 7, int channels = 3, Depth depth = Depth::u8) {
  fs::create_directories(path.parent_path());
  write_image(path, noise(width, height, channels, depth));
}

}  // namespace

TEST_CASE("plans: names, formats, clashes, shards, limits, filters") {
  const TemporaryFolder folder;
  for (const char* name :
       {"in/a.png", "in/b.JPG", "in/c.jpeg", "in/d.tif", "in/sub/a.webp", "in/sub/deep/e.pgm", "in/ü 写.bmp"})
    write_picture(folder / name, 9, 7, std::string(name).ends_with("pgm") ? 1 : 3);
  fs::copy_file(folder / "in/b.JPG", folder / "in/liar.png");  // a JPEG in truth
  fs::copy_file(folder / "in/a.png", folder / "in/nameless");
  BatchOptions options = from_to(folder / "in", folder / "out");
  const auto outputs = [&] {
    std::set<std::string> names;
    for (const auto& job : plan_batch(options)) names.insert(job.output.lexically_relative(folder / "out").string());
    return names;
  };
  using Names = std::set<std::string>;
  CHECK(outputs() == Names{"a.png", "b.JPG", "c.jpeg", "d.tif", "liar.jpg", "nameless.png", "ü 写.bmp"});
  options.recursive = true;
  CHECK(outputs() == Names{"a.png", "b.JPG", "c.jpeg", "d.tif", "liar.jpg", "nameless.png", "ü 写.bmp", "sub/a.webp",
                           "sub/deep/e.pgm"});
  options.format = Format::png;
  options.name = "{stem}_x{scale}-{model}";
  options.name_fields = {{"model", "m"}, {"scale", "2"}};
  options.exclude = {"*.tif", "nameless", "liar*"};
  CHECK(outputs() ==
        Names{"a_x2-m.png", "b_x2-m.png", "c_x2-m.png", "ü 写_x2-m.png", "sub/a_x2-m.png", "sub/deep/e_x2-m.png"});
  options.name = "{stem}.{ext}";  // at the very end: the output's extension
  options.include = {"sub/**"};
  CHECK(outputs() == Names{"sub/a.png", "sub/deep/e.png"});
  options.name = "{ext}_{stem}";
  CHECK(outputs() == Names{"sub/webp_a.png", "sub/deep/pgm_e.png"});
  options.include = {"*.webp", "*.pgm"};
  CHECK(outputs().size() == 2);
  options.include = {"*.xyz"};
  CHECK(plan_batch(options).empty());
  for (const char* bad : {"{stem}/{stem}", "{nothing}", "..", ""}) {
    CAPTURE(bad);
    options.include.clear();
    options.name = bad;
    CHECK_THROWS_AS(plan_batch(options), Error);
  }

  // a.png and a.jpg would both become a.png: refused, with a way out.
  options = from_to(folder / "in", folder / "out");
  write_picture(folder / "in/a.jpg");
  options.format = Format::png;
  const std::string clash = refusal(options);
  CHECK(clash.find("a.jpg") != std::string::npos);
  CHECK(clash.find("{stem}_{ext}") != std::string::npos);
  options.name = "{stem}_{ext}";
  CHECK(outputs().contains("a_jpg.png"));
  CHECK(outputs().contains("a_png.png"));

  // Shards: every file once; a limit comes on top.
  const auto all = outputs();
  for (const int count : {1, 2, 3, 20}) {
    std::multiset<std::string> seen;
    options.shard_count = count;
    for (options.shard_index = 1; options.shard_index <= count; ++options.shard_index)
      for (const auto& name : outputs()) seen.insert(name);
    CHECK(seen == std::multiset<std::string>(all.begin(), all.end()));
  }
  options.shard_count = options.shard_index = 1;
  options.limit = 3;
  CHECK(plan_batch(options).size() == 3);
  options.shard_index = 0;
  CHECK(refusal(options).find("shard") != std::string::npos);
}

TEST_CASE("plans: files, globs, several inputs, contradictions") {
  const TemporaryFolder folder;
  write_picture(folder / "in/a.png");
  write_picture(folder / "in/b [1].png");
  write_picture(folder / "other/a.png");
  BatchOptions options = from_to(folder / "in/a.png", folder / "x.jpg");
  REQUIRE(plan_batch(options).size() == 1);
  CHECK(plan_batch(options)[0].output == folder / "x.jpg");
  options.output = (folder / "out").string();
  CHECK(plan_batch(options)[0].output == folder / "out/a.png");
  // A name with glob characters is a file first.
  options.inputs = {(folder / "in/b [1].png").string()};
  CHECK(plan_batch(options)[0].input == folder / "in/b [1].png");
  options.inputs = {(folder / "in/*.png").string()};
  CHECK(plan_batch(options).size() == 2);
  options.inputs = {(folder / "in").string(), (folder / "other").string()};
  CHECK(refusal(options).find("other/a.png") != std::string::npos);
  // What is missing is named and fails alone.
  options.inputs = {(folder / "in/a.png").string(), (folder / "absent.png").string(), (folder / "no*.png").string()};
  const auto jobs = plan_batch(options);
  REQUIRE(jobs.size() == 3);
  CHECK(jobs[0].problem.empty());
  CHECK_FALSE(jobs[1].problem.empty());
  CHECK_FALSE(jobs[2].problem.empty());
  options.inputs = {(folder / "in").string()};
  options.output = "-";
  CHECK(refusal(options).find("one input") != std::string::npos);
  write_text(folder / "file.txt", "x");
  options.output = (folder / "file.txt").string();
  CHECK(refusal(options).find("file.txt") != std::string::npos);
  const auto refused_with = [&](const std::function<void(BatchOptions&)>& change) {
    BatchOptions wrong = from_to(folder / "in", folder / "out");
    change(wrong);
    CHECK(refusal(wrong) != "was accepted");
  };
  refused_with([](BatchOptions& o) { o.skip_existing = o.force = true; });
  refused_with([](BatchOptions& o) { o.inputs.clear(); });
  refused_with([](BatchOptions& o) { o.output.clear(); });
  refused_with([](BatchOptions& o) { o.inputs = {"-", "-"}; });
  refused_with([](BatchOptions& o) {
    o.inputs = {"-"};
    o.output = "-";
    o.json = true;
  });
  CHECK_FALSE(fs::exists(folder / "out"));
}

TEST_CASE("plans: results are no inputs, but a folder below the output folder is one") {
  const TemporaryFolder folder;
  write_picture(folder / "photos/raw/a.png");
  const auto inputs = [&](const fs::path& in, const fs::path& out, bool recursive = false) {
    BatchOptions options = from_to(in, out);
    options.recursive = recursive;
    return plan_batch(options).size();
  };
  CHECK(inputs(folder / "photos/raw", folder / "photos") == 1);
  CHECK(inputs(folder / "photos/raw", folder / "photos/raw/../..") == 1);
  CHECK(inputs(folder / "photos/raw", folder / "photos/raw") == 1);
  write_picture(folder / "photos/large/raw/a.png");
  CHECK(inputs(folder / "photos", folder / "photos/large", true) == 1);
  CHECK(inputs(folder / "photos", folder / "elsewhere", true) == 2);
}

TEST_CASE("plans: names of outputs that contradict the format or promise what can't be written") {
  const TemporaryFolder folder;
  write_picture(folder / "a.png");
  for (const char* name : {"b.avif", "b.GIF", "b.jxl"}) {
    CAPTURE(name);
    CHECK(refusal(from_to(folder / "a.png", folder / name)).find("can't be written") != std::string::npos);
    CHECK_FALSE(fs::exists(folder / name));
  }
  BatchOptions options = from_to(folder / "a.png", folder / "b.png");
  options.format = Format::jpeg;
  CHECK(refusal(options).find("--format says jpg") != std::string::npos);
  options.format = Format::png;
  CHECK(plan_batch(options).size() == 1);
  // A folder may be called as it likes.
  fs::create_directories(folder / "c.gif");
  CHECK(plan_batch(from_to(folder / "a.png", folder / "c.gif"))[0].output == folder / "c.gif/a.png");
}

TEST_CASE("plans: links that lead nowhere are named if they promise a picture") {
  const TemporaryFolder folder;
  write_picture(folder / "in/a.png");
  fs::create_symlink("nowhere", folder / "in/b.png");
  fs::create_symlink("nowhere", folder / "in/notes");
  fs::create_symlink("itself", folder / "itself");
  const auto jobs = plan_batch(from_to(folder / "in", folder / "out"));
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[1].problem.find("isn't there") != std::string::npos);
  BatchOptions options = from_to(folder / "itself", folder / "out");
  REQUIRE(plan_batch(options).size() == 1);
  CHECK(run(options).summary.failed == 1);
}

TEST_CASE("batch: inputs are protected from the whole of a job array, not from one share alone") {
  const TemporaryFolder folder;
  write_picture(folder / "in/a.png");
  write_picture(folder / "in/a_x2.png");
  const Bytes before = read_file(folder / "in/a_x2.png");
  BatchOptions options = from_to(folder / "in", folder / "in");
  options.name = "{stem}_x2";
  options.force = true;
  options.shard_count = 2;  // the first share is a.png alone
  CHECK(run(options).summary.failed == 1);
  options.shard_count = 1;
  options.limit = 1;
  CHECK(run(options).summary.failed == 1);
  CHECK(read_file(folder / "in/a_x2.png") == before);
}

TEST_CASE("batch: a side that the format can't hold is refused before the work, by whatever says the format") {
  const TemporaryFolder folder;
  write_picture(folder / "in/wide.png", 32751, 1);
  const auto refused = [&](const std::function<void(BatchOptions&)>& change) {
    BatchOptions options = from_to(folder / "in/wide.png", folder / "out");
    change(options);
    Doubling doubling;
    std::ostringstream out;
    const bool failed = run_batch(options, doubling.work(), out).failed == 1;
    return failed && doubling.calls == 0;
  };
  CHECK(refused([](BatchOptions& o) { o.format = Format::jpeg; }));  // 65502
  CHECK(refused([](BatchOptions& o) {
    o.format = Format::webp;
    o.output = "-";
  }));
  CHECK(refused([&](BatchOptions& o) { o.output = (folder / "x.jpeg").string(); }));
  CHECK_FALSE(refused([](BatchOptions&) {}));
}

TEST_CASE("batch: good and bad files in one folder, JSON lines, the tree is mirrored, nothing half done") {
  const TemporaryFolder folder;
  for (const char* name : {"in/a.png", "in/sub/b.png", "in/sub/deep/ü 写真.jpg"}) write_picture(folder / name);
  write_text(folder / "in/notes.txt", "text");
  write_text(folder / "in/Thumbs.db", "\xd0\xcf\x11\xe0 not a picture");
  write_text(folder / "in/.hidden.png", "x");
  write_text(folder / "in/text.png", "this is text");
  write_text(folder / "in/empty.jpg", "");
  write_text(folder / "in/anim.gif", "GIF89a");
  const Bytes whole = read_file(folder / "in/a.png");
  write_file_atomically(folder / "in/cut.png", std::span(whole).first(whole.size() - 20));
  BatchOptions options = from_to(folder / "in", folder / "out");
  options.recursive = options.json = true;
  const Run result = run(options);
  CHECK(result.summary.done == 3);
  CHECK(result.summary.failed == 4);
  CHECK(result.summary.exit_code() == 1);
  CHECK(tree(folder / "out") == std::set<std::string>{"a.png", "sub/b.png", "sub/deep/ü 写真.jpg"});
  std::set<std::string> failed;
  for (const auto& line : result.lines()) {
    const fs::path input = line.at("input").get<std::string>();
    CHECK(line.at("seconds").get<double>() >= 0);
    if (line.at("status") == "done") {
      CHECK(line.at("width") == 9);
      CHECK(line.at("output_height") == 14);
      CHECK(fs::exists(line.at("output").get<std::string>()));
      CHECK_FALSE(line.contains("error"));
    } else {
      CHECK(line.at("status") == "failed");
      CHECK_FALSE(line.at("error").get<std::string>().empty());
      failed.insert(input.filename().string());
    }
  }
  CHECK(result.lines().size() == 7);
  CHECK(failed == std::set<std::string>{"text.png", "empty.jpg", "anim.gif", "cut.png"});
  // Without JSON: one path a line, only what is done; nothing when quiet.
  options.json = false;
  options.force = true;
  const std::string plain = run(options).out;
  CHECK(std::count(plain.begin(), plain.end(), '\n') == 3);
  options.quiet = true;
  CHECK(run(options).out.empty());
  // A folder without pictures is a failure, an empty share of a job array isn't.
  fs::create_directories(folder / "empty");
  CHECK(run(from_to(folder / "empty", folder / "out2")).summary.exit_code() == 1);
  options = from_to(folder / "in/a.png", folder / "out3");
  options.shard_count = options.shard_index = 2;
  CHECK(run(options).summary.exit_code() == 0);
}

TEST_CASE("batch: outputs that exist are refused, replaced, or checked and kept, inputs are never replaced") {
  const TemporaryFolder folder;
  for (const char* name : {"in/a.png", "in/b.png", "in/c.png", "in/d.png"}) write_picture(folder / name);
  BatchOptions options = from_to(folder / "in", folder / "out");
  CHECK(run(options).summary.exit_code() == 0);
  const Bytes good = read_file(folder / "out/a.png");
  Run again = run(options);
  CHECK(again.summary.failed == 4);
  CHECK(again.summary.exit_code() == 1);
  options.force = true;
  CHECK(run(options).summary.done == 4);

  // --skip-existing: a is whole; b is cut, c of another size, d no picture.
  options.force = false;
  options.skip_existing = options.json = true;
  const Bytes b = read_file(folder / "out/b.png");
  write_file_atomically(folder / "out/b.png", std::span(b).first(b.size() / 2));
  write_image(folder / "out/c.png", noise(18, 13, 3, Depth::u8));
  write_text(folder / "out/d.png", "text");
  const auto before = fs::last_write_time(folder / "out/a.png");
  again = run(options);
  CHECK(again.summary.skipped == 1);
  CHECK(again.summary.done == 3);
  CHECK(again.summary.exit_code() == 0);
  for (const auto& line : again.lines())
    CHECK((line.at("status") == "skipped") == (fs::path(line.at("input").get<std::string>()).filename() == "a.png"));
  CHECK(fs::last_write_time(folder / "out/a.png") == before);
  for (const char* name : {"a.png", "b.png", "c.png", "d.png"}) CHECK(read_file(folder / "out" / name) == good);
  CHECK(run(options).summary.skipped == 4);

  // Output = input, plainly and through a link.
  for (const bool force : {false, true}) {
    BatchOptions same = from_to(folder / "in", folder / "in");
    same.force = force;
    CHECK(run(same).summary.failed == 4);
    fs::create_directory_symlink(folder / "in", folder / fmt::format("link{}", force));
    same.output = (folder / fmt::format("link{}", force)).string();
    CHECK(run(same).summary.failed == 4);
    same = from_to(folder / "in/a.png", folder / "in/a.png");
    same.force = force;
    CHECK(run(same).summary.failed == 1);
  }
  CHECK(largest_difference(read_image(folder / "in/a.png").image, noise(9, 7, 3, Depth::u8)) == 0);
  CHECK(tree(folder / "in").size() == 4);

  // Nor another input of the same run, even where replacing is wished: a.png -> a_2.png beside an a_2.png.
  write_picture(folder / "pair/a.png");
  write_picture(folder / "pair/a_2.png", 5, 5);
  BatchOptions beside = from_to(folder / "pair", folder / "pair");
  beside.name = "{stem}_2";
  for (const bool force : {false, true}) {
    beside.force = force;
    beside.skip_existing = !force;
    const Run twice = run(beside);
    CHECK(twice.summary.failed == 1);
    CHECK(read_image(folder / "pair/a_2.png").image.width() == 5);
    CHECK(read_image(folder / "pair/a_2_2.png").image.width() == 10);
    fs::remove(folder / "pair/a_2_2.png");
  }

  // A dry run writes nothing and says what it would do.
  options = from_to(folder / "in", folder / "dry");
  options.dry_run = true;
  const Run dry = run(options);
  CHECK(dry.summary.exit_code() == 0);
  CHECK(dry.out.find("9x7 -> ") != std::string::npos);
  CHECK(dry.out.find("18x14") != std::string::npos);
  CHECK_FALSE(fs::exists(folder / "dry"));
}

TEST_CASE("batch: depth, channels, palettes and metadata are kept") {
  const TemporaryFolder folder;
  for (const int channels : {1, 2, 3, 4})
    for (const Depth depth : {Depth::u8, Depth::u16})
      for (const char* format : {"png", "tif"})
        write_picture(folder / fmt::format("in/{}-{}.{}", channels, static_cast<int>(depth), format), 9, 7, channels,
                      depth);
  Image dark(9, 7, 3, Depth::u16);  // 16 bit without a value above 255 stays 16 bit
  cv::randu(dark.pixels, 0, 200);
  write_image(folder / "in/dark.png", dark);
  Bytes palette{0, 0, 128, 255, 255, 9}, transparency{0, 255}, extra = png_chunk("PLTE", palette);
  put(extra, png_chunk("tRNS", transparency));
  write_file_atomically(folder / "in/palette.png", make_png(4, 2, 8, 3, {0, 0, 1, 0, 1, 0, 1, 1, 0, 0}, extra));
  Metadata metadata;
  metadata.exif = make_exif(6);
  metadata.xmp =
      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
      "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"/></x:xmpmeta>";
  write_image(folder / "in/turned.jpg", gradient(20, 10, 3, Depth::u8), metadata);
  BatchOptions options = from_to(folder / "in", folder / "out");
  CHECK(run(options).summary.exit_code() == 0);
  for (const auto& name : tree(folder / "in")) {
    CAPTURE(name);
    const DecodedImage in = read_image(folder / "in" / name), out = read_image(folder / "out" / name);
    CHECK(in.format == out.format);
    CHECK(in.image.pixels.type() == out.image.pixels.type());
    Image doubled;
    cv::resize(in.image.pixels, doubled.pixels, {}, 2, 2, cv::INTER_NEAREST);
    CHECK(largest_difference(out.image, doubled) <= (name.ends_with(".jpg") ? 6 : 0));
  }
  CHECK(read_image(folder / "out/palette.png").image.channels() == 4);
  if (metadata_supported()) {
    const Metadata kept = read_metadata(read_file(folder / "out/turned.jpg"));
    CHECK_FALSE(kept.exif.empty());
    CHECK_FALSE(kept.xmp.empty());
    CHECK(kept.orientation == 1);
    CHECK(read_image(folder / "out/turned.jpg").image.height() == 40);  // baked in: 20x10 turned, doubled
    options.strip_metadata = options.force = true;
    CHECK(run(options).summary.exit_code() == 0);
    CHECK(read_metadata(read_file(folder / "out/turned.jpg")).empty());
  }
  // Another format where that was asked for, by option or by the output's name; quality counts.
  options = from_to(folder / "in/3-0.png", folder / "x.jpg");
  options.encode.quality = 20;
  CHECK(run(options).summary.exit_code() == 0);
  const auto small = fs::file_size(folder / "x.jpg");
  CHECK(sniff_format(read_file(folder / "x.jpg")) == Format::jpeg);
  options.encode.quality = 95;
  options.force = true;
  CHECK(run(options).summary.exit_code() == 0);
  CHECK(fs::file_size(folder / "x.jpg") > small);
}

TEST_CASE("batch: too large, stop at the first error, a worker's exceptions, an unwritable folder") {
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) write_picture(folder / fmt::format("in/{:02}.png", i), i == 3 ? 40 : 9, 7);
  BatchOptions options = from_to(folder / "in", folder / "out");
  options.max_pixels = 100;
  CHECK(run(options).summary.failed == 1);
  CHECK_FALSE(fs::exists(folder / "out/03.png"));
  options.force = options.stop_on_error = true;
  const BatchSummary stopped = run(options).summary;
  CHECK(stopped.failed == 1);
  CHECK(stopped.done == 3);  // what comes before it, whatever the reader's lead
  CHECK(stopped.exit_code() == 1);

  Doubling late;
  late.before = [&](const Image&) {
    if (late.calls == 2) fail(ErrorKind::model, "broken");
  };
  options.max_pixels = 1000;
  std::ostringstream ignored;
  CHECK(run_batch(options, late.work(), ignored).done == 1);
  CHECK(late.calls == 2);

  options = from_to(folder / "in", folder / "out2");
  options.json = true;
  Doubling doubling;
  doubling.before = [&](const Image&) {
    switch (doubling.calls.load()) {
      case 1:
        throw std::bad_alloc();
      case 2:
        fail(ErrorKind::model, "values that are no numbers");
      case 3:
        throw std::runtime_error("strange");
      default:
        break;
    }
  };
  std::ostringstream out;
  const BatchSummary summary = run_batch(options, doubling.work(), out);
  CHECK(summary.failed == 3);
  CHECK(summary.done == 17);
  for (const char* part : {"out of memory", "no numbers", "strange"}) CHECK(out.str().find(part) != std::string::npos);
  CHECK(tree(folder / "out2").size() == 17);

  write_text(folder / "file", "x");
  CHECK(refusal(from_to(folder / "in", folder / "file/out"), ErrorKind::file).find("file") != std::string::npos);
  if (::geteuid() != 0) {
    fs::create_directories(folder / "locked");
    fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec);
    CHECK(refusal(from_to(folder / "in", folder / "locked"), ErrorKind::file).find("locked") != std::string::npos);
  }
}

TEST_CASE("batch: Ctrl-C ends it with 130, whole files only, the rest is done later") {
  const TemporaryFolder folder;
  for (int i = 0; i < 30; ++i) write_picture(folder / fmt::format("in/{:02}.png", i));
  BatchOptions options = from_to(folder / "in", folder / "out");
  options.skip_existing = true;
  for (const bool inside : {false, true}) {  // between two files, or inside one
    Doubling doubling;
    doubling.before = [&](const Image&) {
      if (doubling.calls < 5) return;
      set_interrupted(true);
      if (inside) throw_if_interrupted();
    };
    std::ostringstream out;
    const BatchSummary summary = run_batch(options, doubling.work(), out);
    set_interrupted(false);
    CHECK(summary.interrupted);
    CHECK(summary.exit_code() == 130);
    CHECK(summary.failed == 0);
    CHECK(summary.done <= 5);
    for (const auto& name : tree(folder / "out")) {
      CHECK(name.find(".part") == std::string::npos);
      CHECK(read_image(folder / "out" / name).image.width() == 18);
    }
    CHECK(tree(folder / "out").size() < 30);
  }
  const Run rest = run(options);
  CHECK(rest.summary.exit_code() == 0);
  CHECK(rest.summary.done + rest.summary.skipped == 30);
  CHECK(rest.summary.skipped >= 4);
  CHECK(tree(folder / "out") == tree(folder / "in"));
}
