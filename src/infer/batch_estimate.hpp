#pragma once

#include <string>

#include "ganvas/infer/batch.hpp"

namespace ganvas {

/// What a dry run can say of the run to come.
class BatchEstimate {
 public:
  /// A picture that would be done.
  void add(cv::Size from, cv::Size to, Format format);
  /// One line: pixels, bytes of the outputs by what photographs take in these formats, and the time, by doing a small
  /// picture. Nothing where there is nothing to do, or the work on the small one fails.
  std::string text(const BatchWork& work) const;

 private:
  double pixels_in_ = 0, pixels_out_ = 0, bytes_ = 0;
};

}  // namespace ganvas
