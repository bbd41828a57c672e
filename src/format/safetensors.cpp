#include "ganvas/format/safetensors.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_set>

#include "format/byte_source.hpp"
#include "format/elements.hpp"
#include "format/safetensors_source.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"

namespace ganvas {
namespace {

using format::ByteSource;
using format::ElementType;
using format::in_quotes;
using nlohmann::json;

constexpr std::uint64_t kLongestHeader = 100'000'000;  // the limit of the reference implementation
constexpr std::string_view kMetadataKey = "__metadata__";

template <typename... Args>
[[noreturn]] void damaged(const ByteSource& source, fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorKind::model, "{}: damaged safetensors file: {}; download it again", source.name(),
       fmt::format(format, std::forward<Args>(args)...));
}

/// Where a tensor's data are, relative to the end of the header.
struct Place {
  std::string key;
  const ElementType* type = nullptr;
  std::vector<std::int64_t> sizes;
  std::uint64_t begin = 0, end = 0;
};

/// Takes the header apart while it is parsed, so that time and memory grow with its length and nothing else. The header
/// has three levels: the file, a tensor or `__metadata__`, a list.
class HeaderReader final : public json::json_sax_t {
 public:
  HeaderReader(const ByteSource& source, std::map<std::string, std::string>& metadata, std::vector<Place>& places)
      : source_(source), metadata_(metadata), places_(places) {}

  bool null() override { odd(); }
  bool boolean(bool) override { odd(); }
  bool number_integer(number_integer_t) override { no_natural(); }
  bool number_float(number_float_t, const string_t&) override { no_natural(); }
  bool binary(binary_t&) override { odd(); }

  bool number_unsigned(number_unsigned_t number) override {
    if (!list_) odd();
    if (number > static_cast<std::uint64_t>(INT64_MAX)) no_natural();
    list_->push_back(static_cast<std::int64_t>(number));
    return true;
  }

  bool string(string_t& text) override {
    if (depth_ != 2 || list_) odd();
    if (in_metadata_) {
      if (!metadata_.emplace(member_, text).second) twice(member_);
    } else if (member_ == "dtype") {
      take_type(text);
    } else if (member_ == "shape" || member_ == "data_offsets") {
      no_list();
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ >= 2 || list_) damaged(source_, "its header is nested too deeply");
    if (++depth_ < 2) return true;
    in_metadata_ = name_ == kMetadataKey;
    place_ = {};
    place_.key = name_;
    members_.clear();
    return true;
  }
  bool end_object() override {
    if (depth_-- == 2 && !in_metadata_) finish_tensor();
    in_metadata_ = false;
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || list_) damaged(source_, "its header is nested too deeply");
    if (in_metadata_) odd();
    list_ = member_ == "shape" ? &place_.sizes : member_ == "data_offsets" ? &offsets_ : &unused_;
    list_->clear();
    return true;
  }
  bool end_array() override {
    list_ = nullptr;
    return true;
  }

  bool key(string_t& text) override {
    if (depth_ == 1) {
      name_ = text;
      if (!names_.insert(text).second) twice(text);
    } else {
      member_ = text;
      if (!in_metadata_ && !members_.insert(text).second) twice(text);
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
    const std::string_view text = error.what();
    // Behind "[json.exception.parse_error.101] ".
    damaged(source_, "its header is not JSON ({})", in_quotes(text.substr(text.find("] ") + 2)));
  }

 private:
  [[noreturn]] void odd() const {
    if (in_metadata_) damaged(source_, "'__metadata__' holds something else than text");
    if (depth_ < 2) damaged(source_, "the entry of {} is not an object", in_quotes(name_));
    damaged(source_, "{} of {} is no value of a tensor", in_quotes(member_), in_quotes(name_));
  }
  [[noreturn]] void no_list() const { damaged(source_, "{} has no list '{}'", in_quotes(name_), member_); }
  [[noreturn]] void no_natural() const {
    if (!list_) odd();
    damaged(source_, "{} of {} holds something else than integers from 0", in_quotes(member_), in_quotes(name_));
  }
  [[noreturn]] void twice(const std::string& key) const {
    damaged(source_, "{} stands twice in its header", in_quotes(key));
  }

  void take_type(const std::string& text) {
    const auto types = format::element_types();
    const auto type = std::ranges::find(types, text, &ElementType::safetensors);
    if (type == types.end())
      fail(ErrorKind::model, "{}: {} has elements of type {}, which ganvas doesn't read; convert them to F32",
           source_.name(), in_quotes(name_), in_quotes(text));
    place_.type = &*type;
  }

  void finish_tensor() {
    const std::string key = in_quotes(place_.key);
    if (!place_.type) damaged(source_, "{} has no dtype", key);
    for (const char* list : {"shape", "data_offsets"})
      if (!members_.contains(list)) damaged(source_, "{} has no list '{}'", key, list);
    if (offsets_.size() != 2 || offsets_[0] > offsets_[1]) damaged(source_, "{} has impossible offsets", key);
    place_.begin = static_cast<std::uint64_t>(offsets_[0]);
    place_.end = static_cast<std::uint64_t>(offsets_[1]);
    const auto count = format::checked_element_count(place_.sizes);
    if (!count) damaged(source_, "{} has an impossible shape", key);
    if (static_cast<std::uint64_t>(*count) * place_.type->size != place_.end - place_.begin)
      damaged(source_, "{} has {} elements of {} bytes, but {} bytes of data", key, *count, place_.type->size,
              place_.end - place_.begin);
    // Each becomes an object of LibTorch's, of hundreds of bytes whatever its size.
    constexpr std::size_t most_tensors = 200'000;
    if (places_.size() >= most_tensors) damaged(source_, "it has more than {} tensors", most_tensors);
    places_.push_back(std::move(place_));
  }

  const ByteSource& source_;
  std::map<std::string, std::string>& metadata_;
  std::vector<Place>& places_;
  int depth_ = 0;
  bool in_metadata_ = false;
  std::string name_, member_;
  std::unordered_set<std::string> names_;
  std::set<std::string> members_;
  Place place_;
  std::vector<std::int64_t> offsets_, unused_;
  std::vector<std::int64_t>* list_ = nullptr;
};

/// Where the data begin.
std::uint64_t read_header(const ByteSource& source, std::map<std::string, std::string>& metadata,
                          std::vector<Place>& places) {
  std::uint64_t length = 0;
  if (source.size() < sizeof length) damaged(source, "{} bytes are too few", source.size());
  source.read(0, &length, sizeof length);
  if (length > kLongestHeader) damaged(source, "a header of {} bytes is too long", length);
  if (length > source.size() - sizeof length)
    damaged(source, "its header of {} bytes ends past the end of the file ({} bytes)", length, source.size());
  const std::string text = source.read_text(sizeof length, length);
  if (!text.starts_with('{')) damaged(source, "its header doesn't start with '{{'");
  HeaderReader reader(source, metadata, places);
  json::sax_parse(text, &reader);
  return sizeof length + length;
}

/// The data must be covered exactly: no holes, in which anything could hide, no overlaps, nothing past the end.
void check_cover(const ByteSource& source, const std::vector<Place>& places, std::uint64_t data_size) {
  std::uint64_t covered = 0;
  for (const Place& place : places) {
    if (place.begin != covered)
      damaged(source, "the data of {} start at {} instead of {}", in_quotes(place.key), place.begin, covered);
    covered = place.end;
  }
  if (covered != data_size) damaged(source, "its tensors take {} bytes, but {} are there", covered, data_size);
}

}  // namespace

namespace format {

Safetensors parse_safetensors(const ByteSource& source) {
  Safetensors result;
  std::vector<Place> places;
  const std::uint64_t data_start = read_header(source, result.metadata, places);
  std::ranges::stable_sort(places, {}, [](const Place& place) { return std::pair(place.begin, place.end); });
  check_cover(source, places, source.size() - data_start);
  for (const Place& place : places)
    result.tensors.set(place.key, read_elements(source, data_start + place.begin, *place.type, place.sizes));
  return result;
}

}  // namespace format

Safetensors parse_safetensors(std::span<const std::uint8_t> bytes, const std::string& name) {
  return format::parse_safetensors(format::MemorySource(bytes, name));
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  return format::parse_safetensors(format::FileSource(path));
}

void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata) {
  struct Item {
    const std::string* key;
    const torch::Tensor* tensor;
    const ElementType* type;
  };
  std::vector<Item> items;
  for (const auto& [key, tensor] : tensors) {
    const ElementType* type = format::find_element_type(tensor.scalar_type());
    if (!type || key == kMetadataKey)
      fail(ErrorKind::model, "{}: safetensors can't hold {} (type {})", path.string(), in_quotes(key),
           torch::toString(tensor.scalar_type()));
    items.push_back({&key, &tensor, type});
  }
  // Widest elements first, as the reference implementation does: so all data are aligned, which some readers need.
  std::ranges::stable_sort(items, std::greater{}, [](const Item& item) { return item.type->size; });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [key, tensor, type] : items) {
    const std::uint64_t end = offset + static_cast<std::uint64_t>(tensor->numel()) * type->size;
    // push_back instead of operator[]: that one would search all earlier keys.
    header.get_ref<nlohmann::ordered_json::object_t&>().push_back(
        {*key, {{"dtype", type->safetensors}, {"shape", tensor->sizes().vec()}, {"data_offsets", {offset, end}}}});
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& error) {
    fail(ErrorKind::model, "{}: a key or metadata text is not UTF-8 ({})", path.string(), in_quotes(error.what()));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');

  AtomicFile file(path);
  const std::uint64_t length = text.size();
  file.write(std::string_view(reinterpret_cast<const char*>(&length), sizeof length));
  file.write(text);
  for (const Item& item : items) {
    const torch::Tensor tensor = format::dense(*item.tensor);
    file.write(format::bytes_of(tensor));
  }
  file.commit();
}

}  // namespace ganvas
