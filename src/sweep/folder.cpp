#include "ganvas/sweep/folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/log.hpp"

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace ganvas {

namespace {

constexpr int kVersion = 1;
constexpr std::uint64_t kMostBytes = 16 << 20;

Json read_json(const fs::path& file) {
  const Bytes bytes = read_file(file, kMostBytes);
  return Json::parse(bytes.begin(), bytes.end(), nullptr, false);
}

Json to_json(const SweepIdentity& identity) {
  Json places = Json::object();
  for (const auto& [option, place] : identity.places) places[option] = place;
  return {{"ganvas_sweep", kVersion}, {"plan", identity.plan}, {"recipe", identity.recipe}, {"data", places}};
}

Json to_json(const SweepResult& result) {
  Json json{{"trial", result.trial}, {"rung", result.rung}, {"steps", result.steps}};
  if (result.value) json["value"] = *result.value;
  else json["failure"] = result.failure;
  json["seconds"] = result.seconds;
  json["finished"] = result.finished;
  return json;
}

/// Throws nlohmann's exception for what is no result.
SweepResult result_of(const Json& json) {
  SweepResult result{.trial = json.at("trial"), .rung = json.at("rung"), .steps = json.at("steps")};
  if (json.contains("value")) result.value = json.at("value").get<double>();
  else result.failure = json.at("failure");
  result.seconds = json.at("seconds");
  result.finished = json.at("finished");
  if (result.trial < 0 || result.rung < 0) throw nlohmann::json::other_error::create(501, "negative", &json);
  return result;
}

void write_json(const fs::path& file, const Json& json) { write_file_atomically(file, json_line(json) + "\n"); }

/// Whether there is anything in it that somebody may want to keep; hidden names are others' litter.
bool is_in_use(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (!entry.path().filename().string().starts_with(".")) return true;
  return false;
}

}  // namespace

bool SweepFolder::holds(const Recipe& plan, const Recipe& recipe, const SweepIdentity& identity) const {
  const fs::path file = path_ / "sweep.json";
  if (!fs::exists(file)) {
    if (fs::exists(path_) && (!fs::is_directory(path_) || is_in_use(path_)))
      fail(ErrorKind::usage, "{}: holds something else than a sweep; give another -o", path_.string());
    return false;
  }
  const Json there = read_json(file);
  if (!there.is_object() || there.value("ganvas_sweep", 0) != kVersion)
    fail(ErrorKind::file, "{}: is no sweep's, damaged, or of another version", file.string());
  const auto refuse = [&](const std::string& difference) {
    fail(ErrorKind::usage, "{}: holds another sweep ({}); give another -o", path_.string(), difference);
  };
  if (const auto differences = plan.differences_from(there.value("plan", "")); !differences.empty())
    refuse(differences[0].text());
  if (const auto differences = recipe.differences_from(there.value("recipe", "")); !differences.empty())
    refuse("recipe: " + differences[0].text());
  const Json places = there.value("data", Json::object());
  for (const auto& [option, place] : identity.places)
    if (const std::string other = places.value(option, ""); other != place)
      refuse(fmt::format("{}: {} there, {} here", option, other.empty() ? "nothing" : other,
                         place.empty() ? "nothing" : place));
  return true;
}

void SweepFolder::create(const SweepIdentity& identity) const {
  for (const fs::path& folder : {path_, path_ / "results"}) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) fail(ErrorKind::file, "{}: can't create: {}", folder.string(), error.message());
  }
  write_json(path_ / "sweep.json", to_json(identity));
}

fs::path SweepFolder::trial(int number) const { return path_ / "trials" / fmt::format("{:04}", number); }
fs::path SweepFolder::repeat(int number) const { return path_ / "repeats" / fmt::format("{}", number); }

void SweepFolder::record(const SweepResult& result) const {
  write_json(path_ / "results" / fmt::format("trial-{:04}-rung-{}.json", result.trial, result.rung), to_json(result));
}

void SweepFolder::record_repeat(const SweepResult& result) const {
  write_json(path_ / "results" / fmt::format("repeat-{}.json", result.trial), to_json(result));
}

void SweepFolder::read_new() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_ / "results", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".") || !name.ends_with(".json") || !read_.try_emplace(name, true).second) continue;
    try {
      (name.starts_with("repeat") ? repeats_ : results_).push_back(result_of(read_json(entry.path())));
    } catch (const nlohmann::json::exception&) {
      fail(ErrorKind::file, "{}: is damaged; remove it, and its trial is judged again", entry.path().string());
    }
  }
  if (error) fail(ErrorKind::file, "{}: can't be read: {}", (path_ / "results").string(), error.message());
  for (auto* list : {&results_, &repeats_})
    std::sort(list->begin(), list->end(), [](const SweepResult& a, const SweepResult& b) {
      return std::tie(a.finished, a.trial, a.rung) < std::tie(b.finished, b.trial, b.rung);
    });
}

const std::vector<SweepResult>& SweepFolder::results() {
  read_new();
  return results_;
}

const std::vector<SweepResult>& SweepFolder::repeats() {
  read_new();
  return repeats_;
}

}  // namespace ganvas
