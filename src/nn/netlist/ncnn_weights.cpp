#include "nn/netlist/ncnn_weights.hpp"

#include <torch/torch.h>

#include <fstream>

#include "ganvas/core/error.hpp"

namespace ganvas::netlist {

struct NcnnWeights::File {
  explicit File(const std::filesystem::path& path) : name(path.string()), stream(path, std::ios::binary) {
    std::error_code code;
    size = std::filesystem::file_size(path, code);
    if (code || !stream) fail(ErrorKind::file, "{}: can't be read", name);
  }
  std::string name;
  std::ifstream stream;
  std::uint64_t size = 0, at = 0;

  void read(void* into, std::uint64_t bytes) {
    stream.seekg(static_cast<std::streamoff>(at));
    stream.read(static_cast<char*>(into), static_cast<std::streamsize>(bytes));
    if (!stream) fail(ErrorKind::file, "{}: can't be read", name);
    at += bytes;
  }

  /// How many values a shape has, which must be there at `bytes` each.
  std::int64_t count(const std::vector<std::int64_t>& shape, std::uint64_t bytes) const {
    double values = 1;
    for (const std::int64_t side : shape) {
      if (side < 1) fail(ErrorKind::model, "{}: a layer wants weights of a negative or empty shape", name);
      values *= static_cast<double>(side);
    }
    const std::uint64_t left = size > at ? size - at : 0;  // a last half-word may lack its filling
    if (values * static_cast<double>(bytes) > static_cast<double>(left))
      fail(ErrorKind::model, "{}: ends too early: a layer wants {:.0f} bytes of weights, {} are left", name,
           values * static_cast<double>(bytes), left);
    return static_cast<std::int64_t>(values);
  }
  torch::Tensor take(std::int64_t values, torch::ScalarType type) {
    torch::Tensor result = torch::empty({values}, torch::TensorOptions(type));
    read(result.data_ptr(), result.nbytes());
    return result.to(torch::kFloat);
  }
};

NcnnWeights::NcnnWeights(const std::filesystem::path& path) : file_(std::make_unique<File>(path)) {}
NcnnWeights::~NcnnWeights() = default;

torch::Tensor NcnnWeights::plain(const std::vector<std::int64_t>& shape) {
  return file_->take(file_->count(shape, 4), torch::kFloat).reshape(shape);
}

torch::Tensor NcnnWeights::marked(const std::vector<std::int64_t>& shape) {
  constexpr std::uint32_t half = 0x01306B47, whole_scaled = 0x0002C056, bytes = 0x000D4B38;
  std::uint32_t mark = 0;
  file_->count({1}, sizeof mark);
  file_->read(&mark, sizeof mark);
  if (mark == 0 || mark == whole_scaled) return plain(shape);
  if (mark == bytes) fail(ErrorKind::model, "{}: has int8 weights, which ganvas doesn't read", file_->name);
  if (mark != half) fail(ErrorKind::model, "{}: no weights start at byte {}", file_->name, file_->at - 4);
  const torch::Tensor values = file_->take(file_->count(shape, 2), torch::kHalf);
  file_->at = (file_->at + 3) / 4 * 4;
  return values.reshape(shape);
}

void NcnnWeights::check_end() const {
  if (file_->at < file_->size)
    fail(ErrorKind::model, "{}: has {} bytes more than the layers take", file_->name, file_->size - file_->at);
}

}  // namespace ganvas::netlist
