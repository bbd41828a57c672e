#pragma once

#include <memory>
#include <string>

#include "ganvas/core/files.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/metadata/metadata.hpp"

namespace ganvas {

/// Where frames of one size go as one stream: standard output ("-"), or a file that appears when it is whole.
class FrameSink {
 public:
  FrameSink(const GenerateOptions& options);
  /// Throws Error(file), for standard output too: nobody reads any more, or no room is left.
  void add(const Image& frame, const Metadata& metadata);
  void finish();

 private:
  void write(std::span<const std::uint8_t> bytes);

  const GenerateOptions& options_;
  std::unique_ptr<AtomicFile> file_;  ///< none: standard output
  bool begun_ = false;
};

}  // namespace ganvas
