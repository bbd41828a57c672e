#include "ganvas/format/safetensors.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

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

/// Parses JSON that may be hostile: no key twice in an object, no nesting beyond what the format has.
json parse_header(const ByteSource& source, const std::string& text) {
  constexpr int deepest = 3;  // file object, tensor object, shape
  std::vector<std::set<std::string>> keys(deepest + 2);
  const auto check = [&](int depth, json::parse_event_t event, json& value) {
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      if (depth >= deepest) damaged(source, "its header is nested too deeply");
      keys[level + 1].clear();
    } else if (event == json::parse_event_t::key && !keys[level].insert(value.get<std::string>()).second) {
      damaged(source, "{} stands twice in its header", in_quotes(value.get<std::string>()));
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& error) {
    damaged(source, "its header is not JSON ({})", in_quotes(error.what()));
  }
}

json read_header(const ByteSource& source, std::uint64_t& data_start) {
  std::uint64_t length = 0;
  if (source.size() < sizeof length) damaged(source, "{} bytes are too few", source.size());
  source.read(0, &length, sizeof length);
  if (length > kLongestHeader) damaged(source, "a header of {} bytes is too long", length);
  if (length > source.size() - sizeof length)
    damaged(source, "its header of {} bytes ends past the end of the file ({} bytes)", length, source.size());
  const std::string text = source.read_text(sizeof length, length);
  if (!text.starts_with('{')) damaged(source, "its header doesn't start with '{{'");
  data_start = sizeof length + length;
  return parse_header(source, text);
}

/// The list of integers >= 0 under `name`.
std::vector<std::int64_t> integers(const ByteSource& source, const std::string& key, const json& object,
                                   const char* name) {
  const auto list = object.find(name);
  if (list == object.end() || !list->is_array()) damaged(source, "{} has no list '{}'", in_quotes(key), name);
  std::vector<std::int64_t> result;
  for (const json& item : *list) {
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
      damaged(source, "'{}' of {} holds something else than integers from 0", name, in_quotes(key));
    result.push_back(static_cast<std::int64_t>(item.get<std::uint64_t>()));
  }
  return result;
}

Place parse_place(const ByteSource& source, const std::string& key, const json& object) {
  if (!object.is_object()) damaged(source, "the entry of {} is not an object", in_quotes(key));
  const auto dtype = object.find("dtype");
  if (dtype == object.end() || !dtype->is_string()) damaged(source, "{} has no dtype", in_quotes(key));
  const auto types = format::element_types();
  const auto type = std::ranges::find(types, dtype->get_ref<const std::string&>(), &ElementType::safetensors);
  if (type == types.end()) {
    fail(ErrorKind::model, "{}: {} has elements of type {}, which ganvas doesn't read; convert them to F32",
         source.name(), in_quotes(key), in_quotes(dtype->get_ref<const std::string&>()));
  }
  Place place{key, &*type, integers(source, key, object, "shape")};
  const auto offsets = integers(source, key, object, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) damaged(source, "{} has impossible offsets", in_quotes(key));
  place.begin = static_cast<std::uint64_t>(offsets[0]);
  place.end = static_cast<std::uint64_t>(offsets[1]);
  const auto count = format::checked_element_count(place.sizes);
  if (!count) damaged(source, "{} has an impossible shape", in_quotes(key));
  if (static_cast<std::uint64_t>(*count) * type->size != place.end - place.begin)
    damaged(source, "{} has {} elements of {} bytes, but {} bytes of data", in_quotes(key), *count, type->size,
            place.end - place.begin);
  return place;
}

std::map<std::string, std::string> parse_metadata(const ByteSource& source, const json& object) {
  if (!object.is_object()) damaged(source, "'__metadata__' is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) damaged(source, "'__metadata__' holds something else than text");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
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
  std::uint64_t data_start = 0;
  const json header = read_header(source, data_start);
  Safetensors result;
  std::vector<Place> places;
  for (const auto& [key, value] : header.items()) {
    if (key == kMetadataKey) result.metadata = parse_metadata(source, value);
    else places.push_back(parse_place(source, key, value));
  }
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
