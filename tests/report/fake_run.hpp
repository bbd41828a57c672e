#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "ganvas/core/files.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/report/run_reporter.hpp"
#include "imaging/pictures.hpp"

namespace ganvas::test {

/// A page's text, and the data it carries: cut out as a browser does, at the first "</script>" behind its begin.
inline std::string page_text(const std::filesystem::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

inline nlohmann::json page_data(const std::filesystem::path& path) {
  const std::string page = page_text(path);
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const auto from = page.find(begin);
  REQUIRE(from != std::string::npos);
  const auto to = page.find("</script", from);
  REQUIRE(to != std::string::npos);
  return nlohmann::json::parse(page.substr(from + begin.size(), to - from - begin.size()));
}

/// A curve of a page, by section and name.
inline nlohmann::json curve_of(const nlohmann::json& data, const std::string& section, const std::string& name) {
  for (const auto& part : data.at("sections"))
    if (part.at("title") == section)
      for (const auto& chart : part.at("charts"))
        for (const auto& curve : chart.at("curves"))
          if (curve.at("name") == name) return curve;
  FAIL("no curve " << name << " in " << section);
  return {};
}

/// Does what the trainer does: a line of log.jsonl for each report. What it reports depends on the step alone.
class FakeRun {
 public:
  FakeRun(const std::filesystem::path& folder, std::int64_t resumed_step, std::int64_t steps = 1000) : folder_(folder) {
    write_file_atomically(folder / "recipe.toml",
                          fmt::format("[train]\nsteps = {}\ntask = \"super-resolution\"\n", steps));
    cut_log(resumed_step);
    log_.open(folder / "log.jsonl", std::ios::app);
    reporter_ = std::make_unique<RunReporter>(folder, resumed_step, "fake & <run>");
  }

  void scalars(const std::string& kind, std::int64_t step, const std::map<std::string, double>& values) {
    nlohmann::ordered_json line{{"kind", kind}, {"step", step}};
    for (const auto& [name, value] : values) {
      if (std::isfinite(value)) line[name] = value;
      else line[name] = fmt::format("{}", value);
    }
    log_ << line.dump() << std::endl;
    reporter_->scalars(kind, step, values);
  }
  void event(std::int64_t step, const std::string& signal, double value, const std::string& action,
             const std::string& text) {
    log_ << nlohmann::ordered_json{{"kind", "monitor"}, {"step", step},     {"signal", signal},
                                   {"value", value},    {"action", action}, {"text", text}}
                .dump()
         << std::endl;
    reporter_->event(step, signal, value, action, text);
  }

  /// One step's reports of every sort.
  void step(std::int64_t step, bool with_pictures = true) {
    Rng random = Rng::for_item(5, static_cast<std::uint64_t>(step));
    scalars("train", step,
            {{"pixel", random.uniform()},
             {"discriminator.real", step % 70 == 0 ? NAN : random.normal()},
             {"generator.rate", 1e-4},
             {"generator.gradient_norm", std::exp(random.normal())},
             {"seconds", 0.5 * static_cast<double>(step)},
             {"wait_share", 0.01}});
    if (step % 20 == 0) event(step, "diversity", random.uniform(), step % 60 == 0 ? "warn" : "none", "few & \"far\"");
    if (step % 50 == 0) scalars("validation", step, {{"psnr_y", 20 + random.uniform()}, {"lpips", random.uniform()}});
    if (step % 50 == 0 && with_pictures) pictures(step);
  }
  void pictures(std::int64_t step) {
    const auto cells = [&](int seed) {
      const Image target = gradient(24, 20, 3, Depth::u8);
      return std::vector<std::pair<std::string, Image>>{
          {"lr", gradient(24, 20, 1, Depth::f32)},
          {"result", noise(24, 20, 3, Depth::u8, static_cast<int>(step) + seed)},
          {"hr", target}};
    };
    reporter_->pictures(step, {{"cat", cells(0)}, {"a/b c-d", cells(1)}});
  }
  RunReporter& reporter() { return *reporter_; }
  std::string page() {
    reporter_->update();
    return page_text(folder_ / "report.html");
  }

 private:
  void cut_log(std::int64_t last_step) {
    std::string kept;
    std::ifstream stream(folder_ / "log.jsonl");
    for (std::string line; std::getline(stream, line);)
      if (nlohmann::json::parse(line).at("step").get<std::int64_t>() <= last_step) kept += line + "\n";
    write_file_atomically(folder_ / "log.jsonl", kept);
  }

  std::filesystem::path folder_;
  std::ofstream log_;
  std::unique_ptr<RunReporter> reporter_;
};

}  // namespace ganvas::test
