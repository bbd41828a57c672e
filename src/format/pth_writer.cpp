#include "format/pth_writer.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "format/elements.hpp"
#include "format/zip_writer.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"

namespace ganvas::format {
namespace {

constexpr const char* kNewOrderedDict = "ccollections\nOrderedDict\n)R";

/// Composes a pickle of protocol 2 with the few operations that torch.load(weights_only=True) knows.
class PickleWriter {
 public:
  PickleWriter& raw(std::string_view operations) {
    bytes_ += operations;
    return *this;
  }
  PickleWriter& text(std::string_view text) {
    bytes_ += 'X';
    number(text.size(), 4);
    bytes_ += text;
    return *this;
  }
  PickleWriter& integer(std::int64_t value) {
    if (value <= std::numeric_limits<std::int32_t>::max()) {
      bytes_ += 'J';
      number(static_cast<std::uint64_t>(value), 4);
    } else {
      bytes_ += "\x8a\x08";
      number(static_cast<std::uint64_t>(value), 8);
    }
    return *this;
  }
  PickleWriter& integers(torch::IntArrayRef values) {
    bytes_ += '(';
    for (const std::int64_t value : values) integer(value);
    bytes_ += 't';
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void number(std::uint64_t value, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
  }
  std::string bytes_ = "\x80\x02";
};

/// _rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks) of a dense tensor.
void put_tensor(PickleWriter& pickle, const torch::Tensor& tensor, const ElementType& type, const std::string& key) {
  pickle.raw("ctorch._utils\n_rebuild_tensor_v2\n(");
  pickle.raw("(").text("storage").raw("ctorch\n").raw(type.storage).raw("\n");
  pickle.text(key).text("cpu").integer(tensor.numel()).raw("tQ");
  std::vector<std::int64_t> strides(static_cast<std::size_t>(tensor.dim()), 1);
  for (std::size_t i = strides.size(); i-- > 1;)
    strides[i - 1] = strides[i] * std::max<std::int64_t>(tensor.size(static_cast<std::int64_t>(i)), 1);
  pickle.integer(0).integers(tensor.sizes()).integers(strides).raw("\x89").raw(kNewOrderedDict).raw("tR");
}

std::string make_pickle(const std::filesystem::path& path, const StateDict& weights, const std::string& wrapper) {
  PickleWriter pickle;
  if (!wrapper.empty()) pickle.raw("}").text(wrapper);
  pickle.raw(kNewOrderedDict).raw("(");
  std::size_t storage = 0;
  for (const auto& [key, tensor] : weights) {
    const ElementType* type = find_element_type(tensor.scalar_type());
    if (!type) {
      fail(ErrorKind::model, "{}: ganvas can't store {} (type {}) in a .pth", path.string(), in_quotes(key),
           torch::toString(tensor.scalar_type()));
    }
    put_tensor(pickle.text(key), tensor, *type, std::to_string(storage++));
  }
  pickle.raw("u");
  if (!wrapper.empty()) pickle.raw("s");
  return pickle.raw(".").bytes();
}

}  // namespace

void write_pth(const std::filesystem::path& path, const StateDict& weights, const std::string& wrapper) {
  const std::string pickle = make_pickle(path, weights, wrapper);
  AtomicFile file(path);
  ZipWriter zip(file);
  zip.add("archive/data.pkl", pickle);
  zip.add("archive/byteorder", std::string("little"));
  std::size_t storage = 0;
  for (const auto& [key, tensor] : weights) {
    const torch::Tensor elements = dense(tensor);
    zip.add("archive/data/" + std::to_string(storage++), bytes_of(elements));
  }
  zip.add("archive/version", std::string("3\n"));
  zip.finish();
  file.commit();
}

}  // namespace ganvas::format
