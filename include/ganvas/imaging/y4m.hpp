#pragma once

#include <string>

#include "ganvas/core/files.hpp"
#include "ganvas/imaging/image.hpp"

/// Uncompressed video as ffmpeg, mpv and x264 read it from a pipe: YUV4MPEG2, one header, then frame after frame.
namespace ganvas {

/// The stream's first line. Frames are planar YCbCr without subsampling (C444), 8 bit, BT.601 in the studio range
/// 16..235, gray ones one plane (Cmono). `rate`: frames a second, a fraction such as "25" or "30000:1001".
std::string y4m_header(int width, int height, int channels, const std::string& rate = "25");

/// One frame of that stream: an 8-bit picture of 1 or 3 channels; alpha (2 or 4) is laid over white.
Bytes y4m_frame(const Image& image);

/// The same samples as they are, interleaved: ffmpeg's rawvideo with pix_fmt gray or rgb24.
Bytes raw_frame(const Image& image);

}  // namespace ganvas
