#include "infer/run_one.hpp"

#include "ganvas/core/clock.hpp"
#include "ganvas/nn/failure.hpp"

namespace ganvas {

bool run_one(BatchOutcome& outcome, const std::function<std::string(const Error&)>& explain,
             const std::function<void()>& work) {
  const double begin = seconds_now();
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) return false;
    outcome.error = explain ? explain(error) : error.what();
  } catch (const std::exception& error) {
    outcome.error = failure_line(error);
  }
  outcome.seconds += seconds_now() - begin;
  if (!outcome.error.empty()) outcome.status = "failed";
  return true;
}

}  // namespace ganvas
