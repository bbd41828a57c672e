#include <doctest/doctest.h>

#include <set>

#include "ganvas/report/run_reporter.hpp"
#include "report/event_reader.hpp"
#include "report/fake_run.hpp"
#include "support/refusal.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

namespace {

std::vector<std::int64_t> shown_steps(const nlohmann::json& data) {
  std::vector<std::int64_t> steps;
  for (const auto& sample : data.at("samples")) steps.push_back(sample.at("step"));
  return steps;
}

}  // namespace

TEST_CASE("samples: files hold the pictures, and the event file has what changed") {
  const TemporaryFolder folder;
  const Image deep = noise(9, 6, 3, Depth::u16, 4), alpha = noise(9, 6, 4, Depth::u8, 5);
  RunReporter reporter(folder.path(), 0, "run");
  const auto result = [](int seed) { return noise(9, 6, 3, Depth::u8, seed); };
  reporter.pictures(1000,
                    {{"x/../y", {{"lr", deep}, {"result", result(1)}, {"a-b", alpha}}}, {".hidden", {{"hr", deep}}}});
  const fs::path step = folder / "samples/step_00001000";
  CHECK(same(read_image(step / "x_.._y-result.png").image, result(1)));
  CHECK(same(read_image(step / "x_.._y-lr.png").image, to_depth(deep, Depth::u8)));
  CHECK(same(read_image(step / "x_.._y-a_b.png").image, alpha));
  CHECK(fs::exists(step / "_hidden-hr.png"));
  CHECK(std::distance(fs::directory_iterator(step), fs::directory_iterator()) == 4);

  reporter.pictures(2000, {{"x/../y", {{"lr", deep}, {"result", result(2)}}}});
  // The input didn't change: the same file under a second name, and nothing new for TensorBoard.
  CHECK(fs::equivalent(folder / "samples/step_00002000/x_.._y-lr.png", step / "x_.._y-lr.png"));
  CHECK(same(read_image(folder / "samples/step_00002000/x_.._y-result.png").image, result(2)));
  std::multiset<std::string> tags;
  for (const auto& event : read_events(event_files(folder.path()).at(0)))
    for (const auto& [tag, picture] : event.pictures) tags.insert(tag + fmt::format("@{}", event.step));
  CHECK(tags == std::multiset<std::string>{"samples/x_.._y/lr@1000", "samples/x_.._y/result@1000",
                                           "samples/x_.._y/a_b@1000", "samples/_hidden/hr@1000",
                                           "samples/x_.._y/result@2000"});
}

TEST_CASE("samples: names that become equal stay apart") {
  const TemporaryFolder folder;
  RunReporter reporter(folder.path(), 0, "run");
  reporter.pictures(1,
                    {{"a b", {{"x", noise(4, 4, 3, Depth::u8, 1)}}}, {"a_b", {{"x", noise(4, 4, 3, Depth::u8, 2)}}}});
  CHECK(same(read_image(folder / "samples/step_00000001/a_b-x.png").image, noise(4, 4, 3, Depth::u8, 1)));
  CHECK(same(read_image(folder / "samples/step_00000001/a_b_2-x.png").image, noise(4, 4, 3, Depth::u8, 2)));
}

TEST_CASE("samples: the page shows about a dozen evenly spaced steps, the first and the newest among them") {
  for (const int count : {1, 2, 12, 13, 14, 25, 26, 100}) {
    CAPTURE(count);
    const TemporaryFolder folder;
    RunReporter reporter(folder.path(), 0, "run");
    for (int i = 1; i <= count; ++i) reporter.pictures(i * 10, {{"r", {{"result", noise(4, 4, 1, Depth::u8, i)}}}});
    reporter.update();
    const auto steps = shown_steps(page_data(folder / "report.html"));
    CHECK(steps.size() <= 13);
    CHECK(steps.size() >= std::min<std::size_t>(static_cast<std::size_t>(count), 6));
    CHECK(steps.front() == 10);
    CHECK(steps.back() == count * 10);
    for (std::size_t i = 2; i + 1 < steps.size(); ++i) CHECK(steps[i] - steps[i - 1] == steps[1] - steps[0]);
  }
}

TEST_CASE("samples: the newest step has all cells, inputs before results before targets, earlier ones the result") {
  const TemporaryFolder folder;
  FakeRun run(folder.path(), 0);
  for (const std::int64_t step : {50, 100, 150}) run.pictures(step);
  run.page();
  const auto data = page_data(folder / "report.html");
  const auto& samples = data.at("samples");
  REQUIRE(samples.size() == 3);
  std::set<std::size_t> pictures;
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(samples[i].at("rows").size() == 2);
    for (const auto& row : samples[i].at("rows")) {
      std::vector<std::string> cells;
      for (const auto& cell : row.at("cells")) {
        cells.push_back(cell[0]);
        pictures.insert(cell[1].get<std::size_t>());
      }
      CHECK(row.at("over_time") == "result");
      CHECK(cells == (i == 2 ? std::vector<std::string>{"lr", "result", "hr"} : std::vector<std::string>{"result"}));
    }
  }
  // Six different results; both rows share their input and target.
  CHECK(pictures.size() == 8);
  CHECK(data.at("pictures").size() == 8);
  for (const auto& uri : data.at("pictures")) CHECK(uri.get<std::string>().starts_with("data:image/webp;base64,UklGR"));
}

TEST_CASE("samples: many rows of large noise, which doesn't compress, keep to the page's bounds") {
  const TemporaryFolder folder;
  RunReporter reporter(folder.path(), 0, "run");
  for (int step = 1; step <= 2; ++step) {
    std::vector<SampleRow> rows;
    for (int r = 0; r < 5; ++r) {
      rows.push_back({fmt::format("row{}", r), {}});
      const int side = r == 0 ? 420 : 8;  // one row of large pictures: compressing noise takes its time
      for (int c = 0; c < 7; ++c)
        rows.back().cells.emplace_back(c == 0 ? "result" : fmt::format("cell{}", c),
                                       noise(side, side, 3, Depth::u8, 100 * step + 10 * (r % 2) + c));
    }
    reporter.pictures(step, rows);
  }
  reporter.update();
  const auto data = page_data(folder / "report.html");
  CHECK(data.at("samples")[0].at("rows")[0].at("cells").size() == 1);
  CHECK(data.at("samples")[1].at("rows").size() == 4);
  CHECK(data.at("samples")[1].at("rows")[0].at("cells").size() == 6);
  CHECK(data.at("samples")[1].at("rows")[0].at("cells")[5][0] == "result");
  // Rows 1 and 3 are alike, and each picture is embedded once: 3 earlier results, and 3 x 6 cells.
  CHECK(data.at("pictures").size() == 3 + 18);
  std::size_t longest = 0;
  for (const auto& uri : data.at("pictures")) longest = std::max(longest, uri.get<std::string>().size());
  CHECK(longest < 48 * 1024 * 4 / 3 + 40);
  CHECK(longest > 20000);
  CHECK(fs::exists(folder / "samples/step_00000002/row4-cell6.png"));
}

TEST_CASE("samples: what can't be read is left out of a rebuilt page") {
  const TemporaryFolder folder;
  FakeRun run(folder.path(), 0);
  run.step(50);
  run.step(100);
  write_file_atomically(folder / "samples/step_00000100/cat-result.png", "no picture");
  write_file_atomically(folder / "samples/step_00000100/note.txt", "not ours");
  fs::remove_all(folder / "samples/step_00000050");
  fs::create_directories(folder / "samples/step_7");
  rebuild_run_report(folder.path(), folder / "again.html");
  const auto data = page_data(folder / "again.html");
  REQUIRE(shown_steps(data) == std::vector<std::int64_t>{100});
  for (const auto& row : data.at("samples")[0].at("rows"))
    CHECK(row.at("cells").size() == (row.at("name") == "cat" ? 2 : 3));
  fs::remove_all(folder / "samples");
  rebuild_run_report(folder.path(), folder / "again.html");
  CHECK(page_data(folder / "again.html").at("samples").empty());
}

TEST_CASE("samples: of unpaired translators the page shows the first way's fakes over time, not the real pictures") {
  const TemporaryFolder folder;
  const Image a = noise(9, 6, 3, Depth::u8, 1), b = noise(9, 6, 3, Depth::u8, 2);
  const auto row = [&](int seed) {
    const auto made = [seed](int offset) { return noise(9, 6, 3, Depth::u8, 10 * seed + offset); };
    return SampleRow{"x",
                     {{"A", a},
                      {"fake B", made(1)},
                      {"reconstructed A", made(2)},
                      {"B", b},
                      {"fake A", made(3)},
                      {"identity B", made(4)}}};
  };
  const auto check = [](const nlohmann::json& data) {
    const auto& newest = data.at("samples").back().at("rows").at(0);
    CHECK(newest.at("over_time") == "fake_B");
    std::vector<std::string> names;
    for (const auto& cell : newest.at("cells")) names.push_back(cell.at(0));
    CHECK(names == std::vector<std::string>{"A", "fake_B", "reconstructed_A", "B", "fake_A", "identity_B"});
    const auto& earlier = data.at("samples").at(0).at("rows").at(0).at("cells");
    REQUIRE(earlier.size() == 1);
    CHECK(earlier.at(0).at(0) == "fake_B");
  };
  {
    RunReporter reporter(folder.path(), 0, "run");
    reporter.pictures(1, {row(1)});
    reporter.pictures(2, {row(2)});
    reporter.update();
    check(page_data(folder / "report.html"));
  }
  // The same from the folder alone.
  RunReporter again(folder.path(), 2, "run");
  again.update();
  check(page_data(folder / "report.html"));
}
