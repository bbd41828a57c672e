#include "data/pair_store.hpp"

#include <opencv2/core.hpp>

#include "ganvas/core/memory.hpp"

namespace ganvas {

PairStore::PairStore(std::uint64_t limit, const std::filesystem::path& folder)
    : limit_(limit > 0 ? limit : available_memory() / 2),
      file_(std::make_shared<ScratchFile>(folder.empty() ? std::filesystem::temp_directory_path() : folder)) {}

void PairStore::keep(ImagePair& pair) {
  keep(pair, pair.hr);
  keep(pair, pair.lr);
}

void PairStore::keep(ImagePair& pair, Image& image) {
  const cv::Mat& pixels = image.pixels;
  const std::uint64_t bytes = pixels.total() * pixels.elemSize();
  if ((bytes_ += bytes) <= limit_) return;
  bytes_ -= bytes;
  cv::Mat there(pixels.rows, pixels.cols, pixels.type(), file_->take(bytes));
  pixels.copyTo(there);
  image = Image(there);
  pair.store = file_;
}

}  // namespace ganvas
