#include "infer/batches.hpp"

using namespace ganvas;
using namespace ganvas::test;

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
  CHECK(refusal(options).find("asked for is jpg") != std::string::npos);
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

TEST_CASE("plans: hints at names that help") {
  const TemporaryFolder folder;
  for (const char* name : {"u/a/x.png", "u/b/x.png", "v/a/x.png", "w/x.png", "w/x.jpg"}) write_picture(folder / name);
  BatchOptions options = from_to(folder / "u/a/x.png", folder / "out");
  options.inputs.push_back((folder / "u/b/x.png").string());
  CHECK(refusal(options).find("{parent}_{stem}") != std::string::npos);
  options.name = "{parent}_{stem}";
  REQUIRE(plan_batch(options).size() == 2);
  CHECK(plan_batch(options)[0].output == folder / "out/a_x.png");
  CHECK(plan_batch(options)[1].output == folder / "out/b_x.png");
  // Folders of one name: only numbers tell them apart.
  options.name = "{stem}";
  options.inputs[1] = (folder / "v/a/x.png").string();
  CHECK(refusal(options).find("{n}_{stem}") != std::string::npos);
  options.name = "{n}_{stem}";
  CHECK(plan_batch(options)[1].output == folder / "out/2_x.png");
  options.shard_index = options.shard_count = 2;
  REQUIRE(plan_batch(options).size() == 1);
  CHECK(plan_batch(options)[0].output == folder / "out/2_x.png");
  options = from_to(folder / "w", folder / "out");
  options.format = Format::png;
  CHECK(refusal(options).find("{stem}_{ext}") != std::string::npos);
}

TEST_CASE("plans: an output found among the inputs is no input, so that folders don't grow from run to run") {
  const TemporaryFolder folder;
  for (const char* name : {"d/x.png", "d/y.png"}) write_picture(folder / name);
  BatchOptions options = from_to(folder / "d", folder / "d");
  options.name = "{stem}_x2";
  options.skip_existing = true;
  for (int round = 0; round < 3; ++round) {
    const Run result = run(options);
    CHECK(result.summary.failed == 0);
    CHECK(result.summary.done == (round == 0 ? 2 : 0));
    CHECK(result.summary.skipped == (round == 0 ? 0 : 2));
    CHECK(tree(folder / "d") == std::set<std::string>{"x.png", "x_x2.png", "y.png", "y_x2.png"});
  }
  // Also with --force, which does our own results again, but no picture of the user's.
  options.skip_existing = false;
  options.force = true;
  CHECK(run(options).summary.failed == (metadata_supported() ? 0 : 2));
  write_picture(folder / "d/x_x2.png", 5, 5);
  const Bytes own = read_file(folder / "d/x_x2.png");
  CHECK(run(options).summary.failed == (metadata_supported() ? 1 : 2));
  CHECK(read_file(folder / "d/x_x2.png") == own);
  CHECK(tree(folder / "d").size() == 4);
  // By a glob too; named by itself it is an input.
  options.inputs = {(folder / "d/*.png").string()};
  CHECK(plan_batch(options).size() == 2);
  options.inputs = {(folder / "d/x.png").string(), (folder / "d/x_x2.png").string()};
  CHECK(plan_batch(options).size() == 2);
  // Another format in the same place: the second run finds its results there.
  options = from_to(folder / "d", folder / "d");
  options.format = Format::jpeg;
  options.skip_existing = true;
  options.exclude = {"*_x2*"};
  CHECK(run(options).summary.done == 2);
  CHECK(run(options).summary.skipped == 2);
  CHECK(tree(folder / "d").size() == 6);
}

TEST_CASE("plans: empty and overlong names, outputs that are streams") {
  const TemporaryFolder folder;
  write_picture(folder / "in/a.png");
  write_picture(folder / "in" / (std::string(251, 'n') + ".png"));
  BatchOptions options = from_to("", folder / "out");
  CHECK(refusal(options).find("empty") != std::string::npos);
  options = from_to(folder / "in", folder / "out");
  options.format = Format::webp;
  const auto jobs = plan_batch(options);
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].problem.empty());
  CHECK(jobs[1].problem.find("longer than 255") != std::string::npos);
  options = from_to(folder / "in/a.png", "/dev/null");
  CHECK(run(options).summary.done == 1);
  options.inputs = {(folder / "in").string()};
  CHECK(refusal(options).find("one input") != std::string::npos);
  CHECK(fs::is_character_file("/dev/null"));
}
