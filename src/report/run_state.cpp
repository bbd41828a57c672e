#include "report/run_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ganvas/core/log.hpp"

namespace ganvas {

namespace {

/// At most `limit` bytes, cut between UTF-8 characters.
std::string shortened(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

/// The log writes what JSON has no numbers for as text.
double number_of(const nlohmann::json& value) {
  if (value.is_number()) return value.get<double>();
  return value.is_string() ? std::strtod(value.get_ref<const std::string&>().c_str(), nullptr) : NAN;
}

std::string text_of(const nlohmann::json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

void RunState::add(const std::string& kind, const std::string& name, std::int64_t step, double value) {
  const std::pair key(kind, name);
  auto found = curves_.find(key);
  if (found == curves_.end()) {
    if (curves_.size() >= max_curves) {
      if (left_out_.size() < 1000) left_out_[key] = true;
      return;
    }
    found = curves_.try_emplace(key).first;
  }
  found->second.add(step, value);
}

void RunState::scalars(const std::string& kind, std::int64_t step, const std::map<std::string, double>& values) {
  step_ = std::max(step_, step);
  for (const auto& [name, value] : values) {
    if (kind == "train" && name == "seconds") note_time(step, value);
    else if (kind == "train" && name == "wait_share") wait_share_ = value;
    else add(kind, name, step, value);
  }
}

void RunState::note_time(std::int64_t step, double seconds) {
  // The clock begins anew when a run is resumed.
  if (!times_.empty() && !(seconds >= times_.back().second)) times_.clear();
  times_.emplace_back(step, seconds);
  if (times_.size() > 20) times_.pop_front();
}

double RunState::steps_per_second() const {
  if (times_.size() < 2) return 0;
  const double seconds = times_.back().second - times_.front().second;
  return seconds > 0 ? static_cast<double>(times_.back().first - times_.front().first) / seconds : 0;
}

void RunState::event(RunEvent event) {
  step_ = std::max(step_, event.step);
  // Most signals are scalars of the training too, and have their curve.
  if (!curves_.contains({"train", event.signal})) add("monitor", event.signal, event.step, event.value);
  if (event.action.empty() || event.action == "none") return;
  event.signal = shortened(std::move(event.signal), max_text);
  event.action = shortened(std::move(event.action), max_text);
  event.text = shortened(std::move(event.text), max_text);
  ++event_count_;
  if (first_events_.size() < max_first_events) {
    first_events_.push_back(std::move(event));
    return;
  }
  last_events_.push_back(std::move(event));
  if (last_events_.size() > max_last_events) last_events_.pop_front();
}

std::vector<RunEvent> RunState::events() const {
  std::vector<RunEvent> all = first_events_;
  all.insert(all.end(), last_events_.begin(), last_events_.end());
  return all;
}

bool RunState::replay(std::string_view text, std::int64_t last_step) {
  const auto line = nlohmann::json::parse(text, nullptr, false);
  if (!line.is_object()) return false;
  const auto step_field = line.find("step");
  const std::string kind = text_of(line, "kind");
  if (kind.empty() || step_field == line.end() || !step_field->is_number_integer()) return false;
  const auto step = step_field->get<std::int64_t>();
  if (step > last_step) return true;
  if (line.contains("signal")) {
    const auto value = line.find("value");
    event({step, text_of(line, "signal"), value == line.end() ? NAN : number_of(*value), text_of(line, "action"),
           text_of(line, "text")});
    return true;
  }
  std::map<std::string, double> values;
  for (const auto& [name, value] : line.items())
    if (name != "kind" && name != "step" && (value.is_number() || value.is_string())) values[name] = number_of(value);
  scalars(kind, step, values);
  return true;
}

void RunState::replay_file(const std::filesystem::path& log, std::int64_t last_step) {
  std::ifstream stream(log);
  std::int64_t number = 0, damaged = 0, first_damaged = 0;
  bool last_is_torn = false;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (line.empty() || replay(line, last_step)) continue;
    if (stream.eof()) last_is_torn = true;  // no line break yet: a run at work, or killed while it wrote
    else if (damaged++ == 0) first_damaged = number;
  }
  if (damaged > 0)
    ganvas::log(LogLevel::warning, "{}: line {}{} is damaged and left out", log.string(), first_damaged,
                damaged > 1 ? fmt::format(" (the first of {})", damaged) : std::string());
  if (last_is_torn) ganvas::log(LogLevel::debug, "{}: the last line is torn and left out", log.string());
}

}  // namespace ganvas
