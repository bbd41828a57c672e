#include "train/loop/run_log.hpp"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"

namespace ganvas {

namespace {

std::string lines_up_to(const std::filesystem::path& path, std::int64_t step) {
  std::ifstream stream(path);
  std::string kept;
  for (std::string line; std::getline(stream, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    // A line torn by a crash is no JSON.
    if (!entry.is_object()) continue;
    const auto at = entry.find("step");
    if (at == entry.end() || (at->is_number_integer() && at->get<std::int64_t>() <= step)) kept += line + "\n";
  }
  return kept;
}

}  // namespace

RunLog::RunLog(const std::filesystem::path& path, std::int64_t resumed_step) : path_(path) {
  write_file_atomically(path, resumed_step > 0 ? lines_up_to(path, resumed_step) : std::string());
  file_ = std::fopen(path.c_str(), "a");
  if (!file_) fail(ErrorKind::file, "{}: can't write: {}", path.string(), std::strerror(errno));
}

RunLog::~RunLog() { std::fclose(file_); }

void RunLog::append(const std::string& line) {
  const std::string text = line + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0)
    fail(ErrorKind::file, "{}: can't write: {}", path_.string(), std::strerror(errno));
}

namespace {

/// JSON has no infinities.
nlohmann::ordered_json number(double value) {
  if (std::isfinite(value)) return value;
  return fmt::format("{}", value);
}

}  // namespace

void RunLog::write(const std::string& kind, std::int64_t step, const Scalars& values) {
  nlohmann::ordered_json line{{"kind", kind}, {"step", step}};
  for (const auto& [name, value] : values) line[name] = number(value);
  append(line.dump());
}

void RunLog::write_event(std::int64_t step, const std::string& signal, double value, const std::string& action,
                         const std::string& text) {
  append(nlohmann::ordered_json{
      {"kind", "monitor"},
      {"step", step},
      {"signal", signal},
      {"value", number(value)},
      {"action", action},
      {"text",
       text}}.dump());
}

void MeanScalars::add(const std::string& prefix, const Scalars& values) {
  for (const auto& [name, value] : values) {
    auto& [sum, count] = sums_[prefix + name];
    sum += value;
    ++count;
  }
}

Scalars MeanScalars::take() {
  Scalars means;
  for (const auto& [name, sum] : sums_) means[name] = sum.first / static_cast<double>(sum.second);
  sums_.clear();
  return means;
}

std::string MeanScalars::text() const {
  std::string text;
  for (const auto& [name, sum] : sums_) text += fmt::format("{} {:a} {}\n", name, sum.first, sum.second);
  return text;
}

MeanScalars MeanScalars::from(const std::string& text) {
  MeanScalars means;
  std::istringstream lines(text);
  std::string name, sum;
  for (std::int64_t count = 0; lines >> name >> sum >> count;)
    if (count > 0) means.sums_[name] = {std::strtod(sum.c_str(), nullptr), count};
  return means;
}

}  // namespace ganvas
