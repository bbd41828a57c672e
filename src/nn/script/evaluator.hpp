#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

#include "nn/script/operators.hpp"
#include "nn/script/program.hpp"

namespace ganvas::script {

/// Runs a program one statement after the other. What it computes are the operators of operators.hpp and nothing else;
/// it stops with Foreign at anything that isn't known, after a million steps and at `deadline`, with Error(model) where
/// the program raises an exception, and with Error(interrupted) when the user asks to stop.
class Evaluator {
 public:
  using Clock = std::chrono::steady_clock;
  /// `constants`: the archive's CONSTANTS.c0, c1 ... `most_work`: of one operator, as compute() takes it.
  Evaluator(const Program& program, const std::vector<c10::IValue>& constants, Clock::time_point deadline,
            double most_work)
      : program_(program), constants_(constants), deadline_(deadline), most_work_(most_work) {}

  /// forward(input) of `self`.
  torch::Tensor forward(const std::shared_ptr<Object>& self, const torch::Tensor& input);

 private:
  using Names = std::unordered_map<std::string, Value>;

  Value call(const Function& function, std::vector<Value> values, std::vector<std::pair<std::string, Value>> named);
  /// Whether the function is left; `result` is what it gives back then.
  bool run(const std::vector<Statement>& body, Names& names, Value& result);
  bool run(const Statement& statement, Names& names, Value& result);
  bool repeat(const Statement& statement, Names& names, Value& result);
  void assign(const Statement& statement, Value value, Names& names);
  bool truth(const Expression& expression, Names& names);
  /// Counts steps; lists and what is done with them are as many as they have items.
  void step(std::size_t count = 1);
  c10::IValue measured(c10::IValue value);
  void require_shallow(const c10::IValue& item, int depth);

  Value value(const Expression& expression, Names& names);
  Value evaluated(const Expression& expression, Names& names);
  Value attribute(const Value& owner, const std::string& name);
  Value element(const Expression& expression, Names& names);
  Value called(const Expression& expression, Names& names);
  Value called_builtin(const std::string& name, const Expression& expression, Names& names);
  Arguments arguments(const Expression& call, Names& names);
  Value run_function(const Function& function, const Value* self, const Expression& call, Names& names);

  const Program& program_;
  const std::vector<c10::IValue>& constants_;
  Clock::time_point deadline_;
  double most_work_;
  std::size_t steps_ = 0;
  int depth_ = 0, nested_ = 0;
};

}  // namespace ganvas::script
