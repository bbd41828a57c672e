#include "ganvas/report/event_file.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "ganvas/report/run_reporter.hpp"
#include "imaging/pictures.hpp"
#include "report/event_reader.hpp"
#include "support/refusal.hpp"

namespace fs = std::filesystem;
using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("CRC-32C: the vectors of RFC 3720 B.4 and the check value of the polynomial") {
  Bytes rising(32), falling(32);
  std::iota(rising.begin(), rising.end(), std::uint8_t{0});
  std::iota(falling.rbegin(), falling.rend(), std::uint8_t{0});
  CHECK(crc32c(Bytes(32, 0x00)) == 0x8A9136AA);
  CHECK(crc32c(Bytes(32, 0xFF)) == 0x62A8AB43);
  CHECK(crc32c(rising) == 0x46DD794E);
  CHECK(crc32c(falling) == 0x113FDB5C);
  CHECK(crc32c(bytes_of("123456789")) == 0xE3069283);
  CHECK(crc32c({}) == 0);
  CHECK(masked_crc32c(bytes_of("123456789")) == bitwise_masked_crc(bytes_of("123456789")));
}

TEST_CASE("event file: a reader of its own finds what was written") {
  const TemporaryFolder folder;
  const Bytes png = encode_image(noise(7, 5, 3, Depth::u8), Format::png, {});
  fs::path path;
  {
    EventFile file(folder.path(), 0);
    file.scalars(100, {{"train/pixel", 0.25}, {"train/\xC3\xA9", -1e30}});
    file.scalars(INT64_C(1) << 40, {{"train/pixel", std::numeric_limits<double>::infinity()}});
    file.scalars(101, {});
    file.image(100, "samples/cat/result", png, 7, 5, 3);
    path = file.path();
  }
  CHECK(path.filename().string().starts_with("events.out.tfevents."));
  const std::vector<ReadEvent> events = read_events(path);
  REQUIRE(events.size() == 5);
  CHECK(events[0].file_version == "brain.Event:2");
  CHECK(events[1].session_start);
  CHECK(events[1].step == 0);
  CHECK(events[2].step == 100);
  CHECK(events[2].scalars == std::map<std::string, float>{{"train/pixel", 0.25F}, {"train/\xC3\xA9", -1e30F}});
  CHECK(events[3].step == INT64_C(1) << 40);
  CHECK(std::isinf(events[3].scalars.at("train/pixel")));
  const ReadPicture& picture = events[4].pictures.at("samples/cat/result");
  CHECK(picture.encoded == png);
  CHECK(picture.width == 7);
  CHECK(picture.height == 5);
  CHECK(picture.channels == 3);
  for (const auto& event : events) CHECK(event.wall_time > 1.6e9);
}

TEST_CASE("event file: names sort in the order in which files were begun, even within a second") {
  const TemporaryFolder folder;
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) names.push_back(EventFile(folder.path(), i).path().filename().string());
  CHECK(names[0] < names[1]);
  CHECK(names[1] < names[2]);
  CHECK(says(refusal(ErrorKind::file, [&] { EventFile(folder / "missing", 0); }), {"missing", "can't write"}));
}

TEST_CASE("event files: after a resumption TensorBoard's rule leaves one value a step") {
  const TemporaryFolder folder;
  const auto report = [&](RunReporter& reporter, std::int64_t from, std::int64_t to, double offset) {
    for (std::int64_t step = from; step <= to; step += 10)
      reporter.scalars("train", step, {{"pixel", static_cast<double>(step) + offset}});
  };
  {
    RunReporter first(folder.path(), 0, "run");
    report(first, 10, 100, 0.5);  // killed here, with a checkpoint at 60
  }
  {
    RunReporter second(folder.path(), 60, "run");
    report(second, 70, 200, 0.25);
  }
  std::map<std::int64_t, float> values;
  for (const auto& path : event_files(folder.path()))
    for (const auto& event : read_events(path)) {
      // SessionLog.START: what is seen already at this step or later is dropped.
      if (event.session_start) values.erase(values.lower_bound(event.step), values.end());
      if (event.scalars.contains("train/pixel")) {
        CHECK(!values.contains(event.step));
        values[event.step] = event.scalars.at("train/pixel");
      }
    }
  REQUIRE(values.size() == 20);
  for (const auto& [step, value] : values)
    CHECK(value == doctest::Approx(static_cast<double>(step) + (step <= 60 ? 0.5 : 0.25)));
}
