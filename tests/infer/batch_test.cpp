#include <fcntl.h>
#include <unistd.h>

#include <array>

#include <mutex>

#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/picture_stream.hpp"
#include "ganvas/imaging/y4m.hpp"

#include "infer/batches.hpp"

using namespace ganvas;
using namespace ganvas::test;

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

  // Nor what looks like its result but isn't ours, even where replacing is wished: a.png -> a_2.png beside an a_2.png.
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
    CHECK_FALSE(fs::exists(folder / "pair/a_2_2.png"));
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
    options.strip = Strip::all;
    options.force = true;
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

TEST_CASE("batch: what killed runs left goes, even where nothing is written, and replaced outputs keep mode and link") {
  const TemporaryFolder folder;
  write_picture(folder / "in/a.png");
  write_picture(folder / "in/sub/b.png");
  BatchOptions options = from_to(folder / "in", folder / "out");
  options.recursive = true;
  CHECK(run(options).summary.done == 2);
  const auto leftover = [&](const char* name) {
    write_text(folder / "out" / name, "half");
    return folder / "out" / name;
  };
  const fs::path first = leftover(".ganvas-00112233aabbccdd.part"),
                 second = leftover("sub/.ganvas-00112233aabbccdd.part");
  options.skip_existing = true;
  CHECK(run(options).summary.skipped == 2);
  CHECK_FALSE(fs::exists(first));
  CHECK_FALSE(fs::exists(second));
  options.skip_existing = false;
  options.force = true;
  fs::permissions(folder / "out/a.png", fs::perms::owner_read | fs::perms::owner_write);
  fs::rename(folder / "out/sub/b.png", folder / "b.png");
  fs::create_symlink(folder / "b.png", folder / "out/sub/b.png");
  fs::remove(folder / "in/sub/b.png");
  write_picture(folder / "in/sub/b.png", 4, 4);
  CHECK(run(options).summary.done == 2);
  CHECK(fs::status(folder / "out/a.png").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(fs::is_symlink(folder / "out/sub/b.png"));
  CHECK(read_image(folder / "b.png").image.width() == 8);
}

TEST_CASE("batch: metadata that can't be carried are named in one warning") {
  const TemporaryFolder folder;
  Metadata metadata;
  metadata.comments = {"a comment"};
  metadata.iptc = {0x1c, 2, 5, 0, 1, 'x'};
  fs::create_directories(folder / "in");
  write_image(folder / "in/a.jpg", noise(9, 7, 3, Depth::u8), metadata);
  BatchOptions options = from_to(folder / "in", folder / "out");
  options.format = Format::webp;
  std::FILE* const errors = std::tmpfile();
  std::fflush(stderr);
  const int kept = ::dup(2);
  ::dup2(::fileno(errors), 2);
  const int done = run(options).summary.done;
  std::fflush(stderr);
  ::dup2(kept, 2);
  ::close(kept);
  std::rewind(errors);
  std::string text(10000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), errors));
  std::fclose(errors);
  CHECK(done == 1);
  CHECK(text.find("WebP can't hold IPTC; WebP can't hold comments") != std::string::npos);
}

namespace {

/// Runs a batch with these bytes as standard input; what it wrote to standard output.
Bytes through_streams(BatchOptions options, const Bytes& input, BatchSummary& summary) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "in", input);
  write_file_atomically(folder / "out", Bytes());
  const std::array<std::pair<int, int>, 2> streams{std::pair(0, ::open((folder / "in").c_str(), O_RDONLY)),
                                                   std::pair(1, ::open((folder / "out").c_str(), O_WRONLY))};
  std::array<int, 2> kept{};
  std::fflush(stdout);
  for (const auto& [stream, file] : streams) {
    kept[static_cast<std::size_t>(stream)] = ::dup(stream);
    ::dup2(file, stream);
    ::close(file);
  }
  options.inputs = {"-"};
  summary = run(options).summary;
  std::fflush(stdout);
  for (int stream = 0; stream < 2; ++stream) {
    ::dup2(kept[static_cast<std::size_t>(stream)], stream);
    ::close(kept[static_cast<std::size_t>(stream)]);
  }
  return read_file(folder / "out");
}

}  // namespace

TEST_CASE("batch: all pictures of standard input, in their order") {
  BatchSummary summary;
  for (const Format format : {Format::pnm, Format::png, Format::jpeg}) {
    CAPTURE(extension_of(format));
    Bytes input, wanted;
    std::vector<Image> pictures;
    for (int i = 0; i < 5; ++i) {
      const Bytes one = encode_image(gradient(400 + 9 * i, 300, 3, Depth::u8), format, {});
      input.insert(input.end(), one.begin(), one.end());
    }
    BatchOptions options;
    options.output = "-";
    const Bytes output = through_streams(options, input, summary);
    CHECK(summary.done == 5);
    CHECK(summary.failed == 0);
    std::span<const std::uint8_t> rest = output;
    for (int i = 0; i < 5; ++i) {
      const auto end = picture_end(rest);
      REQUIRE(end);
      CHECK(decode_image(rest.first(*end), "x").image.width() == 2 * (400 + 9 * i));
      rest = rest.subspan(*end);
    }
    CHECK(rest.empty());
    // What can't be written one behind another, and what has one name.
    options.format = Format::tiff;
    through_streams(options, input, summary);
    CHECK(summary.done == 1);
    CHECK(summary.failed == 1);
    const TemporaryFolder folder;
    write_file_atomically(folder / "five", input);
    const Run file = run(from_to(folder / "five", folder / "out"));
    CHECK(file.summary.failed == (format == Format::jpeg ? 0 : 1));
  }
  BatchOptions options;
  options.output = "-";
  CHECK(through_streams(options, {}, summary).empty());
  CHECK(summary.failed == 1);
}

TEST_CASE("batch: a film on standard input is one on standard output, frame by frame") {
  const auto film_of = [](int frames, int width) {
    const std::string header = y4m_header(width, 30, 3, "24000:1001", "8:9");
    Bytes film(header.begin(), header.end());
    for (int i = 0; i < frames; ++i) {
      const Bytes frame = y4m_frame(gradient(width, 30, 3, Depth::u8));
      film.insert(film.end(), frame.begin(), frame.end());
    }
    return film;
  };
  BatchSummary summary;
  BatchOptions options;
  options.output = "-";
  const Bytes output = through_streams(options, film_of(5, 40), summary);
  CHECK(summary.done == 5);
  auto stream = read_y4m_header(output);
  REQUIRE(stream);
  CHECK(stream->width == 80);
  CHECK(stream->rate == "24000:1001");
  CHECK(stream->aspect == "8:9");
  CHECK(output.size() == stream->header_size + 5 * (6 + stream->frame_size()));
  // As other pictures, and others as a film.
  options.format = Format::png;
  const Bytes pictures = through_streams(options, film_of(2, 40), summary);
  CHECK(decode_image(std::span(pictures).first(*picture_end(pictures)), "x").image.width() == 80);
  options.format = {};
  options.film = true;
  Bytes two = encode_image(gradient(40, 30, 3, Depth::u8), Format::png, {}), another = two;
  two.insert(two.end(), another.begin(), another.end());
  stream = read_y4m_header(through_streams(options, two, summary));
  REQUIRE(stream);
  CHECK(stream->width == 80);
  CHECK(summary.done == 2);
  // A frame of another size, a film that ends within one, one that claims too much.
  another = encode_image(gradient(41, 30, 3, Depth::u8), Format::png, {});
  two.insert(two.end(), another.begin(), another.end());
  through_streams(options, two, summary);
  CHECK(summary.done == 2);
  CHECK(summary.failed == 1);
  options.film = false;
  Bytes cut = film_of(3, 40);
  cut.pop_back();
  through_streams(options, cut, summary);
  CHECK(summary.done == 2);
  CHECK(summary.failed == 1);
  through_streams(options, film_of(0, 40), summary);
  CHECK(summary.failed == 1);
  options.max_pixels = 1000;
  CHECK(through_streams(options, film_of(1, 40), summary).empty());
  CHECK(summary.failed == 1);
  // Elsewhere than to standard output there is no film.
  options.film = true;
  options.inputs = {"-"};
  options.output = "folder";
  CHECK_THROWS_WITH_AS(plan_batch(options), doctest::Contains("-o -"), Error);
  options.film = false;
  options.output = "folder/x.y4m";
  CHECK_THROWS_WITH_AS(plan_batch(options), doctest::Contains("-o -"), Error);
}

TEST_CASE("batch: a resolution of one's own, metadata left out in part, paths for xargs -0") {
  const TemporaryFolder folder;
  Metadata metadata;
  metadata.comments = {"a comment"};
  metadata.resolution = {300, 300, Resolution::Unit::inch};
  metadata.icc = Bytes(400, 7);
  std::copy_n("RGB XYZ ", 8, metadata.icc.begin() + 16);
  fs::create_directories(folder / "in");
  write_image(folder / "in/a.jpg", gradient(9, 7, 3, Depth::u8), metadata);
  BatchOptions options = from_to(folder / "in", folder / "out");
  options.force = true;
  const auto result = [&] {
    CHECK(run(options).summary.done == 1);
    return read_metadata(read_file(folder / "out/a.jpg"));
  };
  CHECK(result().resolution.across == 300);
  options.dpi = 600;
  CHECK(result().resolution.across == 600);
  CHECK(result().comments == metadata.comments);
  options.strip = Strip::gps;
  CHECK(result().comments == metadata.comments);
  options.strip = Strip::all_but_colours;
  CHECK(result().icc == metadata.icc);
  CHECK(result().comments.empty());
  CHECK(result().xmp.empty());
  CHECK(result().resolution.across == 600);  // asked for
  options.strip = Strip::all;
  options.dpi = 0;
  CHECK(result().empty());
  options.print0 = true;
  CHECK(run(options).out == (folder / "out/a.jpg").string() + std::string(1, '\0'));
  options.dry_run = true;
  CHECK(run(options).out.back() == '\0');
}
