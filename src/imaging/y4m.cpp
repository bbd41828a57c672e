#include "ganvas/imaging/y4m.hpp"

#include <opencv2/imgproc.hpp>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

/// Without alpha, 8 bit, in one piece.
cv::Mat frame_pixels(const Image& image) {
  const Image small = to_depth(image, Depth::u8);
  if (small.channels() > 4) fail(ErrorKind::file, "{} bands are no video frame", small.channels());
  cv::Mat pixels = colour_part(small).pixels.clone();
  if (!image.has_alpha()) return pixels;
  const cv::Mat alpha = alpha_part(small).pixels;
  const int channels = pixels.channels();
  for (int y = 0; y < pixels.rows; ++y)
    for (int x = 0; x < pixels.cols; ++x)
      for (int c = 0; c < channels; ++c) {
        std::uint8_t& sample = pixels.ptr<std::uint8_t>(y)[x * channels + c];
        const int opaque = alpha.at<std::uint8_t>(y, x);
        sample = static_cast<std::uint8_t>((sample * opaque + 255 * (255 - opaque) + 127) / 255);
      }
  return pixels;
}

void append_plane(Bytes& bytes, const cv::Mat& plane) {
  bytes.insert(bytes.end(), plane.data, plane.data + plane.total());
}

}  // namespace

std::string y4m_header(int width, int height, int channels, const std::string& rate, const std::string& aspect) {
  const std::string fraction = rate.find(':') == std::string::npos ? rate + ":1" : rate;
  return fmt::format("YUV4MPEG2 W{} H{} F{} Ip A{} {} XCOLORRANGE=LIMITED\n", width, height, fraction, aspect,
                     channels <= 2 ? "Cmono" : "C444");
}

Bytes y4m_frame(const Image& image) {
  const cv::Mat pixels = frame_pixels(image);
  // ITU-R BT.601, section 2.5.3: offsets 16 and 128, 219 and 224 steps.
  const cv::Matx34f to_ycbcr(65.481F / 255, 128.553F / 255, 24.966F / 255, 16, -37.797F / 255, -74.203F / 255,
                             112.F / 255, 128, 112.F / 255, -93.786F / 255, -18.214F / 255, 128);
  Bytes bytes{'F', 'R', 'A', 'M', 'E', '\n'};
  if (pixels.channels() == 1) {
    cv::Mat luma;
    pixels.convertTo(luma, CV_8U, 219.0 / 255, 16);
    append_plane(bytes, luma);
    return bytes;
  }
  cv::Mat mixed;
  cv::transform(pixels, mixed, to_ycbcr);
  std::vector<cv::Mat> planes;
  cv::split(mixed, planes);
  for (const cv::Mat& plane : planes) append_plane(bytes, plane);
  return bytes;
}

Bytes raw_frame(const Image& image) {
  const cv::Mat pixels = frame_pixels(image);
  return {pixels.data, pixels.data + pixels.total() * pixels.elemSize()};
}

}  // namespace ganvas
