#include "ganvas/report/run_reporter.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "report/fake_run.hpp"
#include "support/refusal.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("reporter: a long run's page stays small, and its curves keep extremes, mean, latest and best") {
  const TemporaryFolder folder;
  RunReporter reporter(folder.path(), 0, "long");
  constexpr std::int64_t steps = 20000, spike = 13337, dip = 777;
  double sum = 0;
  std::uintmax_t early = 0;
  for (std::int64_t step = 1; step <= steps; ++step) {
    Rng random = Rng::for_item(1, static_cast<std::uint64_t>(step));
    const double value = step == spike ? 1000 : step == dip ? -1000 : random.uniform();
    sum += value;
    std::map<std::string, double> values{{"watched", value}};
    for (int i = 0; i < 12; ++i) values[fmt::format("other.{}", i)] = random.normal();
    reporter.scalars("train", step, values);
    reporter.scalars("validation", step, {{"lpips", value}, {"psnr_y", value}});
    reporter.event(step, "diversity", value, "warn", std::string(5000, 'x'));
    if (step % 1000 == 0) reporter.update();
    if (step == 2000) early = fs::file_size(folder / "report.html");
  }
  const auto late = fs::file_size(folder / "report.html");
  CHECK(late < 2 << 20);
  CHECK(late < 3 * early);

  const auto data = page_data(folder / "report.html");
  const auto curve = curve_of(data, "Losses", "watched");
  const auto& points = curve.at("points");
  CHECK(points.size() > 150);
  CHECK(points.size() <= 400);
  double low = INFINITY, high = -INFINITY, total = 0;
  std::int64_t next = 1;
  for (const auto& point : points) {
    CHECK(point[0] == next);  // every step belongs to one point
    next = point[1].get<std::int64_t>() + 1;
    low = std::min(low, point[3].get<double>());
    high = std::max(high, point[4].get<double>());
    total += point[2].get<double>() * static_cast<double>(next - point[0].get<std::int64_t>());
    if (point[0] <= spike && spike < next) CHECK(point[4] == 1000);
  }
  CHECK(next == steps + 1);
  CHECK(low == -1000);
  CHECK(high == 1000);
  CHECK(total == doctest::Approx(sum).epsilon(1e-4));
  CHECK(curve.at("latest")[0] == steps);
  CHECK(curve_of(data, "Validation", "lpips").at("best") == nlohmann::json({dip, -1000}));
  CHECK(curve_of(data, "Validation", "psnr_y").at("best") == nlohmann::json({spike, 1000}));
  CHECK(data.at("events").size() <= 200);
  CHECK(data.at("event_count") == steps);
  CHECK(data.at("events").front()[0] == 1);
  CHECK(data.at("events").back()[0] == steps);
}

TEST_CASE("reporter: more scalars than a page can hold are counted") {
  const TemporaryFolder folder;
  RunReporter reporter(folder.path(), 0, "wide");
  std::map<std::string, double> values;
  for (int i = 0; i < 500; ++i) values[fmt::format("loss{}", i)] = i;
  reporter.scalars("train", 1, values);
  reporter.update();
  CHECK(page_data(folder / "report.html").at("left_out") == 500 - 64);
}

TEST_CASE("reporter: a page rebuilt from the folder is the same, byte for byte") {
  const TemporaryFolder folder;
  FakeRun run(folder.path(), 0);
  CHECK(page_data((run.page(), folder / "report.html")).at("sections").empty());
  for (std::int64_t step = 1; step <= 1000; ++step) run.step(step);
  const std::string page = run.page();
  rebuild_run_report(folder.path(), folder / "again.html");
  CHECK(page_text(folder / "again.html") == page);
  rebuild_run_report(folder.path(), folder / "report.html");
  CHECK(page_text(folder / "report.html") == page);
  const auto data = page_data(folder / "report.html");
  CHECK(data.at("title") == "fake & <run>");
  CHECK(data.at("status").at("finished") == true);
  CHECK(curve_of(data, "Losses", "real").at("not_finite") == nlohmann::json({14, 70}));
}

TEST_CASE("reporter: a resumed run's page is that of an uninterrupted one") {
  const TemporaryFolder whole, cut;
  FakeRun uninterrupted(whole.path(), 0);
  for (std::int64_t step = 1; step <= 700; ++step) uninterrupted.step(step);
  {
    FakeRun first(cut.path(), 0);
    for (std::int64_t step = 1; step <= 660; ++step) first.step(step);
    first.page();
  }
  FakeRun second(cut.path(), 440);
  CHECK(!fs::exists(cut / "samples/step_00000450"));
  CHECK(fs::exists(cut / "samples/step_00000400/cat-hr.png"));
  CHECK(page_data((second.page(), cut / "report.html")).at("status").at("step") == 440);
  for (std::int64_t step = 441; step <= 700; ++step) second.step(step);
  CHECK(second.page() == uninterrupted.page());

  FakeRun anew(cut.path(), 0);  // another run in the same folder: nothing is left of the first
  CHECK(fs::is_empty(cut / "samples"));
  CHECK(page_data((anew.page(), cut / "report.html")).at("status").at("step") == 0);
}

TEST_CASE("reporter: speed and time left follow the log") {
  const TemporaryFolder folder;
  FakeRun run(folder.path(), 0, 1000);
  for (std::int64_t step = 100; step <= 400; step += 100)
    run.scalars("train", step, {{"seconds", static_cast<double>(step) * 0.25}});
  run.page();
  auto status = page_data(folder / "report.html").at("status");
  CHECK(status.at("speed") == 4);
  CHECK(status.at("left") == "2:30");
  CHECK(status.at("finished") == false);
  // The clock began anew: the old times count no more.
  for (std::int64_t step = 500; step <= 600; step += 100)
    run.scalars("train", step, {{"seconds", static_cast<double>(step - 400) * 0.5}});
  run.page();
  CHECK(page_data(folder / "report.html").at("status").at("speed") == 2);
}

TEST_CASE("reporter: hostile texts stay texts") {
  const TemporaryFolder folder;
  const std::string hostile = "</script><script>alert(1)</script><!-- \" ' & \xFF \xE2\x80\xA8";
  RunReporter reporter(folder.path(), 0, "</title><script>alert(2)</script>");
  reporter.scalars("train", 1, {{"<img src=x onerror=alert(3)>", 1}});
  reporter.event(1, hostile, 0.5, hostile, hostile);
  write_file_atomically(folder / "recipe.toml", "[train]\nsteps = 5\ntask = \"" + std::string("</script>") + "\"\n");
  reporter.update();
  const std::string page = page_text(folder / "report.html");
  const auto data = page_data(folder / "report.html");
  CHECK(data.at("title") == "</title><script>alert(2)</script>");
  CHECK(data.at("events")[0][4].get<std::string>().starts_with("</script><script>alert(1)</script><!-- \" ' & "));
  CHECK(data.at("facts")[0][1] == "</script>");
  CHECK(page.find("alert(1)</script>") == std::string::npos);
  CHECK(page.find("<script>alert") == std::string::npos);
  CHECK(page.find("<img src=x") == std::string::npos);
  for (const char* outside : {"http://", "https://", "src=\"//", "@import", "url("}) {
    CAPTURE(outside);
    auto at = page.find(outside);
    if (at != std::string::npos) CHECK(page.substr(at, 26) == "http://www.w3.org/2000/svg");  // a name, not a place
  }
}

TEST_CASE("rebuilding: torn and damaged lines are left out, a folder that is no run is refused") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "log.jsonl", R"({"kind":"train","step":10,"pixel":0.5}
{"kind":"train","step":20,"pix
[1,2]
{"kind":"train","step":"30","pixel":0.5}
{"step":35,"pixel":0.5}

{"kind":"train","step":40,"pixel":"nan","note":[1]}
{"kind":"monitor","step":40,"signal":"diversity"}
{"kind":"train","step":50,"pixel":0.25}
{"kind":"train","step":60,"pi)");
  rebuild_run_report(folder.path(), folder / "out.html");
  const auto data = page_data(folder / "out.html");
  CHECK(data.at("status").at("step") == 50);
  const auto curve = curve_of(data, "Losses", "pixel");
  CHECK(curve.at("points") == nlohmann::json::parse("[[10,10,0.5],[50,50,0.25]]"));
  CHECK(curve.at("not_finite") == nlohmann::json({1, 40}));
  CHECK(data.at("title") == folder.path().filename().string());

  const TemporaryFolder empty;
  CHECK(says(refusal(ErrorKind::file, [&] { rebuild_run_report(empty.path(), empty / "x.html"); }),
             {"is no run's folder", "log.jsonl"}));
  CHECK(says(refusal(ErrorKind::file, [&] { rebuild_run_report(empty / "missing", empty / "x.html"); }),
             {"missing", "is no folder"}));
  CHECK(says(refusal(ErrorKind::file, [&] { rebuild_run_report(folder.path(), folder / "no/such/x.html"); }),
             {"x.html", "can't write"}));
  CHECK(!fs::exists(empty / "x.html"));

  // Another page is replaced, nothing else is; and a lost log makes no empty page of a good one.
  rebuild_run_report(folder.path(), folder / "out.html");
  write_file_atomically(folder / "holiday.jpg", "\xff\xd8\xff");
  CHECK(says(refusal(ErrorKind::file, [&] { rebuild_run_report(folder.path(), folder / "holiday.jpg"); }),
             {"holiday.jpg", "is no page"}));
  write_file_atomically(folder / "log.jsonl", "");
  CHECK(says(refusal(ErrorKind::file, [&] { rebuild_run_report(folder.path(), folder / "out.html"); }),
             {"log.jsonl", "no entries"}));
}
