#include "nn/netlist/ncnn_file.hpp"

#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>
#include <unordered_set>

#include "ganvas/core/error.hpp"
#include "nn/netlist/netlist.hpp"

namespace ganvas::netlist {

namespace {

constexpr std::string_view magic = "7767517";
/// Real ones have some ten thousand bytes.
constexpr std::uintmax_t longest_text = std::uintmax_t{16} << 20;
constexpr std::int64_t most_links = 4096;
constexpr int array_keys = -23300;  ///< key 10 as an array is -23310
/// Beyond it no size, stride or count is.
constexpr double largest = 1e12;

template <typename Number>
bool parse(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// One line's words, from front to back.
class Words {
 public:
  Words(const std::string& line, const std::string& file, int number) : stream_(line), file_(file), number_(number) {}

  std::string word() {
    std::string text;
    if (!(stream_ >> text)) refuse("the line ends too early");
    if (text.size() > longest_name) refuse("a name is too long");
    return text;
  }
  bool more(std::string& text) { return static_cast<bool>(stream_ >> text); }
  std::int64_t count(std::int64_t most) {
    std::int64_t value = 0;
    const std::string text = word();
    if (!parse(text, value) || value < 0 || value > most)
      refuse(fmt::format("'{}' is no count of 0 to {}", shown(text), most));
    return value;
  }
  [[noreturn]] void refuse(const std::string& why) const {
    fail(ErrorKind::model, "{}: line {}: {}", file_, number_, why);
  }

 private:
  std::istringstream stream_;
  const std::string& file_;
  int number_;
};

void read_setting(const std::string& text, const Words& words, NcnnLayer& layer) {
  const std::size_t sign = text.find('=');
  int key = 0;
  if (sign == text.npos || !parse(std::string_view(text).substr(0, sign), key))
    words.refuse(fmt::format("'{}' is no number=value", shown(text)));
  std::vector<double> values;
  for (std::size_t from = sign + 1; from <= text.size();) {
    const std::size_t end = std::min(text.find(',', from), text.size());
    double value = 0;
    if (!parse(std::string_view(text).substr(from, end - from), value) || !(std::abs(value) <= 3.5e38))
      words.refuse(fmt::format("'{}' holds no number", shown(text)));
    values.push_back(value);
    from = end + 1;
  }
  if (key <= array_keys) {
    if (values.empty() || values[0] != static_cast<double>(values.size() - 1))
      words.refuse(fmt::format("'{}' has not as many values as it says", shown(text)));
    layer.arrays[array_keys - key] = {values.begin() + 1, values.end()};
  } else if (values.size() == 1 && key >= 0) {
    layer.numbers[key] = values[0];
  } else {
    words.refuse(fmt::format("'{}' is no setting", shown(text)));
  }
}

NcnnLayer read_layer(Words& words) {
  NcnnLayer layer;
  layer.type = words.word();
  layer.name = words.word();
  const std::int64_t inputs = words.count(most_links), outputs = words.count(most_links);
  for (std::int64_t i = 0; i < inputs; ++i) layer.inputs.push_back(words.word());
  for (std::int64_t i = 0; i < outputs; ++i) layer.outputs.push_back(words.word());
  for (std::string text; words.more(text);) read_setting(text, words, layer);
  return layer;
}

}  // namespace

std::int64_t NcnnLayer::whole(int key, std::int64_t fallback) const {
  const auto found = numbers.find(key);
  if (found == numbers.end()) return fallback;
  if (found->second != std::floor(found->second) || std::abs(found->second) > largest)
    refuse(fmt::format("{}={} is out of range", key, found->second));
  return static_cast<std::int64_t>(found->second);
}

std::int64_t NcnnLayer::bounded(int key, std::int64_t fallback, std::int64_t low, std::int64_t high) const {
  const std::int64_t value = whole(key, fallback);
  if (value < low || value > high) refuse(fmt::format("{}={} is not of {} .. {}", key, value, low, high));
  return value;
}

double NcnnLayer::real(int key, double fallback) const {
  const auto found = numbers.find(key);
  return found == numbers.end() ? fallback : found->second;
}

const std::vector<double>* NcnnLayer::array(int key) const {
  const auto found = arrays.find(key);
  return found == arrays.end() ? nullptr : &found->second;
}

void NcnnLayer::refuse(const std::string& why) const {
  fail(ErrorKind::model, "layer '{}' ({}): {}", shown(name), shown(type), why);
}

bool is_ncnn_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string start(magic.size() + 1, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return file && start.starts_with(magic) && (start.back() == '\n' || start.back() == '\r' || start.back() == ' ');
}

std::vector<NcnnLayer> read_ncnn_text(const std::filesystem::path& path) {
  const std::string name = path.string();
  if (std::filesystem::file_size(path) > longest_text)
    fail(ErrorKind::model, "{}: an ncnn text of more than 16 MiB", name);
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  if (!line.starts_with(magic)) fail(ErrorKind::model, "{}: no ncnn text: it doesn't start with {}", name, magic);
  std::getline(file, line);
  Words counts(line, name, 2);
  const std::int64_t layers = counts.count(most_operations);
  counts.count(most_values);  // of values, which nobody needs
  std::vector<NcnnLayer> result;
  for (int number = 3; std::getline(file, line); ++number) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    Words words(line, name, number);
    if (static_cast<std::int64_t>(result.size()) == layers)
      words.refuse(fmt::format("one more than the {} layers that line 2 says", layers));
    result.push_back(read_layer(words));
  }
  if (static_cast<std::int64_t>(result.size()) != layers)
    fail(ErrorKind::model, "{}: {} layers, line 2 says {}", name, result.size(), layers);
  return result;
}

}  // namespace ganvas::netlist
