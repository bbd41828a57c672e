#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/curve.hpp"

namespace ganvas {

struct RunEvent {
  std::int64_t step = 0;
  std::string signal;
  double value = 0;
  std::string action, text;
};

/// What a run's log says, in bounded memory, and only that: fed by the trainer or from log.jsonl, it is the same.
class RunState {
 public:
  static constexpr std::size_t max_curves = 64, max_first_events = 100, max_last_events = 100, max_text = 300;

  void scalars(const std::string& kind, std::int64_t step, const std::map<std::string, double>& values);
  void event(RunEvent event);
  /// One line of log.jsonl; false when it is none. Lines of steps beyond `last_step` are passed over.
  bool replay(std::string_view line, std::int64_t last_step = INT64_MAX);
  /// The whole log, as far as it is there. Damaged lines are named in warnings.
  void replay_file(const std::filesystem::path& log, std::int64_t last_step = INT64_MAX);

  std::int64_t step() const { return step_; }
  double steps_per_second() const;  ///< of late; 0 when unknown
  double wait_share() const { return wait_share_; }
  /// By kind and name.
  const std::map<std::pair<std::string, std::string>, Curve>& curves() const { return curves_; }
  std::int64_t scalars_left_out() const { return static_cast<std::int64_t>(left_out_.size()); }
  /// The first and the last ones, where there were many.
  std::vector<RunEvent> events() const;
  std::int64_t event_count() const { return event_count_; }

 private:
  void add(const std::string& kind, const std::string& name, std::int64_t step, double value);
  void note_time(std::int64_t step, double seconds);

  std::map<std::pair<std::string, std::string>, Curve> curves_;
  std::map<std::pair<std::string, std::string>, bool> left_out_;
  std::vector<RunEvent> first_events_;
  std::deque<RunEvent> last_events_;
  std::int64_t event_count_ = 0, step_ = 0;
  std::deque<std::pair<std::int64_t, double>> times_;  ///< step and seconds, of this process of the run
  double wait_share_ = 0;
};

}  // namespace ganvas
