#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "ganvas/core/files.hpp"
#include "ganvas/imaging/image.hpp"

/// Uncompressed video as ffmpeg, mpv and x264 read and write it in a pipe: YUV4MPEG2, one header, then frame after
/// frame. The format doesn't say what the colours are: BT.601, as ffmpeg takes it, both ways, so that those of a film
/// that was made for another standard come out as they went in.
namespace ganvas {

/// The stream's first line. Frames are planar YCbCr without subsampling (C444), 8 bit, BT.601 in the studio range
/// 16..235, gray ones one plane (Cmono). `rate`: frames a second, a fraction such as "25" or "30000:1001"; `aspect`: a
/// pixel's width to its height.
std::string y4m_header(int width, int height, int channels, const std::string& rate = "25",
                       const std::string& aspect = "1:1");

/// One frame of that stream: an 8-bit picture of 1 or 3 channels; alpha (2 or 4) is laid over white.
Bytes y4m_frame(const Image& image);

/// The same samples as they are, interleaved: ffmpeg's rawvideo with pix_fmt gray or rgb24.
Bytes raw_frame(const Image& image);

/// What the first line of somebody else's stream says.
struct Y4mStream {
  std::size_t header_size = 0;  ///< bytes of that line
  int width = 0, height = 0;
  std::string rate = "25", aspect = "1:1";
  int bits = 8;                    ///< of a sample; more than 8 take two bytes, the lower one first
  int across = 1, down = 1;        ///< pixels a sample of the colour differences; 0: gray
  bool left = false;               ///< where those of two pixels stand: on the left one, else between them
  bool full_range = false;         ///< 0 .. 255 instead of 16 .. 235
  std::size_t frame_size() const;  ///< bytes of a frame behind its own line
};

/// Whether a stream begins as one.
bool is_y4m(std::span<const std::uint8_t> bytes);
/// Nothing while the line isn't whole. Throws Error(file): damaged, interlaced, a kind of samples that isn't known.
std::optional<Y4mStream> read_y4m_header(std::span<const std::uint8_t> bytes);
/// The frame whose line begins with `bytes`: where its samples begin and end. Nothing while it isn't whole. Throws
/// Error(file) where no frame begins.
std::optional<std::pair<std::size_t, std::size_t>> y4m_frame_place(const Y4mStream& stream,
                                                                   std::span<const std::uint8_t> bytes);
/// Its samples as a picture: gray or RGB, 8 bit, or 16 where a sample has more.
Image y4m_picture(const Y4mStream& stream, std::span<const std::uint8_t> samples);

}  // namespace ganvas
