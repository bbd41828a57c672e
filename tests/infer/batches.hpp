#pragma once

#include <atomic>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <set>
#include <sstream>

#include "ganvas/infer/batch.hpp"
#include "imaging/pictures.hpp"

/// What tests of plans and of whole batches share.
namespace ganvas::test {

namespace fs = std::filesystem;

/// Work that enlarges by repetition, and counts.
struct Doubling {
  std::atomic<int> calls{0};
  std::function<void(const Image&)> before;
  BatchWork work() {
    return {.verb = "double",
            .facts = {{"model", "double"}},
            .output_size = [](int width, int height) { return cv::Size(2 * width, 2 * height); },
            .process =
                [this](const DecodedImage& picture, cv::Size size, const std::function<void(double)>& progress) {
                  ++calls;
                  if (before) before(picture.image);
                  progress(0.5);
                  Image result;
                  cv::resize(picture.image.pixels, result.pixels, size, 0, 0, cv::INTER_NEAREST);
                  progress(1);
                  return result;
                }};
  }
};

struct Run {
  BatchSummary summary;
  std::string out;
  std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> parsed;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);) parsed.push_back(nlohmann::json::parse(line));
    return parsed;
  }
};

inline Run run(const BatchOptions& options) {
  Doubling doubling;
  std::ostringstream out;
  const BatchSummary summary = run_batch(options, doubling.work(), out);
  return {summary, out.str()};
}

inline BatchOptions from_to(const fs::path& in, const fs::path& out) {
  BatchOptions options;
  options.inputs = {in.string()};
  options.output = out.string();
  return options;
}

inline std::string refusal(const BatchOptions& options, ErrorKind kind = ErrorKind::usage) {
  try {
    run(options);
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  return "was accepted";
}

/// Every regular file below a folder, hidden ones too, relative and sorted.
inline std::set<std::string> tree(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.insert(entry.path().lexically_relative(folder).string());
  return names;
}

inline void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

inline void write_picture(const fs::path& path, int width = 9, int height = 7, int channels = 3,
                          Depth depth = Depth::u8) {
  fs::create_directories(path.parent_path());
  write_image(path, noise(width, height, channels, depth));
}

}  // namespace ganvas::test
