#include "infer/run_one.hpp"

#include <c10/util/Exception.h>

#include <new>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/failure_words.hpp"

namespace ganvas {

bool run_one(BatchOutcome& outcome, const std::function<std::string(const Error&)>& explain,
             const std::function<void()>& work) {
  const double begin = seconds_now();
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) return false;
    outcome.error = explain ? explain(error) : error.what();
  } catch (const std::bad_alloc&) {
    outcome.error = "out of memory";
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    outcome.error = "LibTorch: " + text.substr(0, text.find('\n'));
  } catch (const std::exception& error) {
    outcome.error = failure_words(error);
  }
  outcome.seconds += seconds_now() - begin;
  if (!outcome.error.empty()) outcome.status = "failed";
  return true;
}

}  // namespace ganvas
