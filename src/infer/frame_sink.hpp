#pragma once

#include <memory>
#include <string>

#include "ganvas/core/files.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/metadata/metadata.hpp"

namespace ganvas {

/// What a stream of frames is like.
struct FrameStream {
  std::string output;  ///< "-": standard output
  FrameFormat format = FrameFormat::y4m;
  std::string rate = "25", aspect = "1:1";  ///< see y4m_header()
  EncodeOptions encode{};
};

/// Where frames of one size go as one stream: standard output ("-"), or a file that appears when it is whole.
class FrameSink {
 public:
  explicit FrameSink(FrameStream stream);
  /// Throws Error(file), for standard output too: nobody reads any more, no room is left, or the frame differs in size
  /// or colours from the first one.
  void add(const Image& frame, const Metadata& metadata);
  void finish(Existing existing);

 private:
  void write(std::span<const std::uint8_t> bytes);

  FrameStream stream_;
  std::unique_ptr<AtomicFile> file_;  ///< none: standard output
  std::string header_;                ///< of the first frame; empty before it
};

}  // namespace ganvas
