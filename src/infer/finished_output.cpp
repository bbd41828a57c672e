#include "infer/finished_output.hpp"

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"

namespace ganvas {

cv::Size upright_size(const ImageHeader& header) {
  const cv::Size size(static_cast<int>(header.width), static_cast<int>(header.height));
  return header.orientation >= 5 ? cv::Size(size.height, size.width) : size;
}

bool is_finished(const std::filesystem::path& output, cv::Size expected) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(output, error)) return false;
  try {
    const Bytes bytes = read_file(output);
    if (upright_size(read_header(bytes, output.string())) != expected) return false;
    decode_image(bytes, output.string(), {.max_pixels = UINT64_MAX});  // as many as expected
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace ganvas
