#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <opencv2/core/types.hpp>
#include <string>
#include <vector>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/infer/options.hpp"

namespace ganvas {

/// What became of one picture.
struct BatchResult {
  // NOLINTNEXTLINE(google-explicit-constructor): most work has nothing more to say
  BatchResult(Image image, std::map<std::string, std::string> facts = {})
      : image(std::move(image)), facts(std::move(facts)) {}
  Image image;
  /// In addition to those of all pictures, before which they go; part of the JSON line too.
  std::map<std::string, std::string> facts;
};

/// The work on one picture.
struct BatchWork {
  std::string verb;  ///< label of the progress bar
  /// Recorded in the results' XMP (add_facts), where metadata are kept at all.
  std::map<std::string, std::string> facts{};
  /// Size of the result, from the size of the input. Throws Error for impossible wishes.
  std::function<cv::Size(int width, int height)> output_size;
  /// `progress` takes the finished share, 0..1.
  std::function<BatchResult(const DecodedImage&, cv::Size size, const std::function<void(double)>& progress)> process;
  /// What is said of a file that fails: the error's message, and what helps in the words of the caller's options
  /// (SettingError). Empty: the message alone.
  std::function<std::string(const Error&)> explain{};
};

/// One file to do.
struct BatchJob {
  std::filesystem::path input;   ///< "-": standard input
  std::filesystem::path output;  ///< "-": standard output
  std::string problem{};         ///< why it can't be done, found while planning; empty: none
  bool replaces_input = false;   ///< the output is an input of this job or another, even one that this run leaves out
  bool replaces_result = false;  ///< that input was left out as an earlier run's result
};

/// Expands inputs, mirrors trees, applies filters, shard and limit, names outputs. In the name pattern {stem}, {parent}
/// (name of the input's folder), {n} (the input's number, from 1), {model} and {scale} are replaced; {ext} is the
/// output's extension at the very end (behind a dot), else the input's. What was found in a folder and is another
/// input's output counts as an earlier run's result and is no input.
/// Throws Error(usage) where two inputs would get one output, or options contradict each other.
std::vector<BatchJob> plan_batch(const BatchOptions& options);

struct BatchSummary {
  int done = 0, skipped = 0, failed = 0;
  double seconds = 0;
  bool interrupted = false;
  /// 0 all done, 1 some failed, 130 interrupted.
  int exit_code() const;
};

/// Does all jobs; decoding and encoding run beside the work on threads of their own, with bounded memory. Results go to
/// `out` (paths, or JSON lines: input, output, sizes, seconds, status, error, facts), messages to the log. A file that
/// fails is named and the others go on. Outputs appear by rename only.
BatchSummary run_batch(const BatchOptions& options, const BatchWork& work, std::ostream& out);

}  // namespace ganvas
