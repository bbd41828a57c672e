// YUV4MPEG2 as mjpegtools defines it (yuv4mpeg(5)), with ffmpeg's names for samples of more than 8 bits.
#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"
#include "ganvas/imaging/y4m.hpp"

namespace ganvas {

namespace {

using View = std::span<const std::uint8_t>;

constexpr std::string_view stream_mark = "YUV4MPEG2", frame_mark = "FRAME";
constexpr std::size_t longest_line = 4096;

[[noreturn]] void damaged(const char* what) { fail(ErrorKind::file, "a damaged YUV4MPEG2 stream: {}", what); }

bool begins_with(View bytes, std::string_view mark) {
  return bytes.size() >= mark.size() && std::equal(mark.begin(), mark.end(), bytes.begin());
}

/// The first line without its end; nothing while it isn't whole.
std::optional<std::string> first_line(View bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), '\n');
  if (end == bytes.end()) {
    if (bytes.size() > longest_line) damaged("a line without an end");
    return std::nullopt;
  }
  return std::string(bytes.begin(), end);
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    if (end > at) words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

int side_of(const std::string& text) {
  const auto side = parse_number<int>(text);
  if (!side || *side < 1) damaged("a size that is none");
  return *side;
}

/// "25:1"; nothing where it isn't known (0:0).
std::optional<std::string> fraction_of(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const auto above = parse_number<int>(text.substr(0, colon)), below = parse_number<int>(text.substr(colon + 1));
  if (!above || !below || *above < 1 || *below < 1) return std::nullopt;
  return text;
}

/// "420jpeg", "422p10", "444", "mono16" ...
void read_samples(const std::string& kind, Y4mStream& stream) {
  const auto is = [&](std::string_view name) { return kind.starts_with(name); };
  std::string rest;
  if (is("mono")) {
    stream.across = stream.down = 0;
    rest = kind.substr(4);
  } else if (is("420") || is("422") || is("444") || is("411")) {
    stream.across = is("444") ? 1 : is("411") ? 4 : 2;
    stream.down = is("420") ? 2 : 1;
    rest = kind.substr(3);
  } else {
    rest = "?";
  }
  stream.left = rest != "jpeg";
  if (rest.empty() || (is("420") && (rest == "jpeg" || rest == "mpeg2" || rest == "paldv"))) return;
  const auto bits = parse_number<int>(rest.starts_with('p') ? rest.substr(1) : is("mono") ? rest : "");
  if (!bits || *bits < 9 || *bits > 16)
    fail(ErrorKind::file, "a YUV4MPEG2 stream of samples that aren't known (C{}); ffmpeg -pix_fmt yuv444p makes others",
         kind.substr(0, 40));
  stream.bits = *bits;
}

/// The planes follow one another without gaps.
struct Plane {
  int width = 0, height = 0;
};
std::array<Plane, 3> planes_of(const Y4mStream& stream) {
  const Plane luma{stream.width, stream.height};
  if (stream.across == 0) return {luma, {}, {}};
  const Plane other{(stream.width + stream.across - 1) / stream.across,
                    (stream.height + stream.down - 1) / stream.down};
  return {luma, other, other};
}

/// A plane in steps of the samples, as many as the picture has pixels.
cv::Mat whole_plane(const Y4mStream& stream, View samples, const Plane& plane, std::size_t begin) {
  // Not written to.
  auto* data = const_cast<std::uint8_t*>(samples.data() + begin);
  cv::Mat values;
  cv::Mat(plane.height, plane.width, stream.bits > 8 ? CV_16U : CV_8U, data).convertTo(values, CV_32F);
  if (plane.width == stream.width && plane.height == stream.height) return values;
  // From a pixel to the sample that covers it: theirs begin together, or the sample stands on its left pixel.
  const double across = 1.0 / stream.across, down = 1.0 / stream.down;
  const cv::Matx23d place(across, 0, stream.left ? 0 : across / 2 - 0.5, 0, down, down / 2 - 0.5);
  cv::Mat enlarged;
  cv::warpAffine(values, enlarged, place, {stream.width, stream.height}, cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                 cv::BORDER_REPLICATE);
  return enlarged;
}

}  // namespace

std::size_t Y4mStream::frame_size() const {
  std::size_t samples = 0;
  for (const Plane& plane : planes_of(*this)) samples += static_cast<std::size_t>(plane.width) * plane.height;
  return samples * (bits > 8 ? 2 : 1);
}

bool is_y4m(std::span<const std::uint8_t> bytes) { return begins_with(bytes, stream_mark); }

std::optional<Y4mStream> read_y4m_header(std::span<const std::uint8_t> bytes) {
  const auto line = first_line(bytes);
  if (!line) return std::nullopt;
  Y4mStream stream;
  stream.header_size = line->size() + 1;
  std::string kind = "420jpeg";
  for (const std::string& word : words_of(*line)) {
    const std::string value = word.substr(1);
    if (word[0] == 'W') stream.width = side_of(value);
    if (word[0] == 'H') stream.height = side_of(value);
    if (word[0] == 'F') stream.rate = fraction_of(value).value_or(stream.rate);
    if (word[0] == 'A') stream.aspect = fraction_of(value).value_or(stream.aspect);
    if (word[0] == 'C') kind = value;
    if (word[0] == 'I' && value != "p" && value != "?")
      fail(ErrorKind::file,
           "an interlaced YUV4MPEG2 stream: make whole pictures of its fields first (ffmpeg -vf yadif)");
    if (word == "XCOLORRANGE=FULL") stream.full_range = true;
  }
  if (stream.width < 1 || stream.height < 1) damaged("no size");
  read_samples(kind, stream);
  return stream;
}

std::optional<std::pair<std::size_t, std::size_t>> y4m_frame_place(const Y4mStream& stream,
                                                                   std::span<const std::uint8_t> bytes) {
  const std::size_t known = std::min(bytes.size(), frame_mark.size());
  if (!begins_with(bytes, frame_mark.substr(0, known))) damaged("no frame where one should begin");
  const auto line = first_line(bytes);
  if (!line) return std::nullopt;
  const std::size_t begin = line->size() + 1, end = begin + stream.frame_size();
  return end <= bytes.size() ? std::optional(std::pair(begin, end)) : std::nullopt;
}

Image y4m_picture(const Y4mStream& stream, std::span<const std::uint8_t> samples) {
  if (samples.size() < stream.frame_size()) fail(ErrorKind::file, "a YUV4MPEG2 frame is cut off");
  const double unit = 1 << (stream.bits - 8), largest = stream.bits > 8 ? 65535 : 255;
  const int type = stream.bits > 8 ? CV_16U : CV_8U;
  // Samples of full range end at all bits set, those of the studio's at 235 or 240 times the unit.
  const double top = (1 << stream.bits) - 1;
  const double black = stream.full_range ? 0 : 16 * unit, luma = stream.full_range ? top : 219 * unit;
  const double middle = 128 * unit, chroma = stream.full_range ? top : 224 * unit;
  std::vector<cv::Mat> planes;
  std::size_t begin = 0;
  for (const Plane& plane : planes_of(stream)) {
    if (plane.width == 0) continue;
    planes.push_back(whole_plane(stream, samples, plane, begin));
    begin += static_cast<std::size_t>(plane.width) * plane.height * (stream.bits > 8 ? 2 : 1);
  }
  Image image;
  if (planes.size() == 1) {
    planes[0].convertTo(image.pixels, type, largest / luma, -black * largest / luma);
    return image;
  }
  cv::Mat mixed, colours;
  cv::merge(planes, mixed);
  // ITU-R BT.601 the other way.
  const double y = largest / luma, c = largest / chroma;
  const cv::Matx33d from(y, 0, 1.402 * c, y, -0.344136 * c, -0.714136 * c, y, 1.772 * c, 0);
  const cv::Vec3d zero = from * cv::Vec3d(black, middle, middle);
  const cv::Matx34d whole(from(0, 0), from(0, 1), from(0, 2), -zero[0], from(1, 0), from(1, 1), from(1, 2), -zero[1],
                          from(2, 0), from(2, 1), from(2, 2), -zero[2]);
  cv::transform(mixed, colours, whole);
  colours.convertTo(image.pixels, CV_MAKETYPE(type, 3));
  return image;
}

}  // namespace ganvas
