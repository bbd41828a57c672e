#include "infer/frame_sink.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/y4m.hpp"

namespace ganvas {

FrameSink::FrameSink(FrameStream stream) : stream_(std::move(stream)) {
  if (stream_.output != "-") file_ = std::make_unique<AtomicFile>(stream_.output);
}

void FrameSink::add(const Image& frame, const Metadata& metadata) {
  switch (stream_.format) {
    case FrameFormat::png:
      write(encode_image(frame, Format::png, metadata, stream_.encode));
      break;
    case FrameFormat::y4m: {
      const std::string header =
          y4m_header(frame.width(), frame.height(), frame.channels(), stream_.rate, stream_.aspect);
      if (!header_.empty() && header != header_)
        fail(ErrorKind::file,
             "{}x{} pixels, or its colours, don't fit into the film, whose first frame is of another kind",
             frame.width(), frame.height());
      if (header_.empty()) write({reinterpret_cast<const std::uint8_t*>(header.data()), header.size()});
      header_ = header;
      write(y4m_frame(frame));
      break;
    }
    case FrameFormat::raw:
      write(raw_frame(frame));
      break;
  }
}

void FrameSink::write(std::span<const std::uint8_t> bytes) {
  if (file_) return file_->write(bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() || std::fflush(stdout) != 0)
    fail(ErrorKind::file, "standard output: can't write: {}", std::strerror(errno));
}

void FrameSink::finish(Existing existing) {
  if (file_) file_->commit(existing);
}

}  // namespace ganvas
