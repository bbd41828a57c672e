// ganvas report and ganvas compare: exit codes, streams and files. What the pages hold is tested in tests/report.
#include <doctest/doctest.h>

#include <filesystem>

#include "cli/program.hpp"
#include "imaging/pictures.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("report: a run's page is written into its folder, or where -o says") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "log.jsonl", "{\"kind\":\"train\",\"step\":10,\"pixel\":0.5}\n{\"kind\":\"tr");
  const Finished in_place = run_ganvas({"report", folder.path().string()});
  CHECK(in_place.code == 0);
  CHECK(in_place.out == (folder / "report.html").string() + "\n");
  CHECK(contains(in_place.err, "no sample pictures"));
  CHECK(run_ganvas({"report", folder.path().string(), "-o", (folder / "x.html").string()}).code == 0);
  CHECK(read_file(folder / "x.html") == read_file(folder / "report.html"));

  const Finished missing = run_ganvas({"report", (folder / "no").string()});
  CHECK(missing.code == 1);
  CHECK(missing.out.empty());
  CHECK(contains(missing.err, "is no folder"));
  CHECK(run_ganvas({"report"}).code == 2);
}

TEST_CASE("compare: means on standard output, a missing picture is exit code 1 and the rest is done") {
  const TemporaryFolder folder;
  const Image picture = gradient(40, 30, 3, Depth::u8);
  for (const char* name : {"hr", "a", "b"}) {
    fs::create_directories(folder / name);
    write_image(folder / name / "one.png", picture);
  }
  const std::vector<std::string> arguments{
      "compare", (folder / "a").string(),        (folder / "b").string(), "--hr", (folder / "hr").string(),
      "-o",      (folder / "page.html").string()};
  const Finished whole = run_ganvas(arguments);
  CHECK(whole.code == 0);
  CHECK(contains(whole.out, "psnr_y"));
  CHECK(contains(whole.out, "inf"));
  fs::remove(folder / "page.html");
  write_image(folder / "hr/two.png", picture);
  write_image(folder / "a/two.png", picture);
  const Finished partly = run_ganvas(arguments);
  CHECK(partly.code == 1);
  CHECK(contains(partly.err, "two.png"));
  CHECK(fs::exists(folder / "page.html"));
  CHECK(run_ganvas({"compare", (folder / "a").string(), "--hr", (folder / "hr").string()}).code == 2);
}
