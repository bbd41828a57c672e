#include "cli/generate_lists.hpp"

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"

namespace ganvas::cli {

namespace {

constexpr std::size_t most_seeds = 1'000'000;

template <typename Number>
Number number_in(std::string_view text, const std::string& whole, const char* option) {
  const auto value = parse_number<Number>(text);
  if (!value) fail(ErrorKind::usage, "{} {}: '{}' is no number", option, whole, text);
  return *value;
}

}  // namespace

std::vector<std::int64_t> seeds_in(const std::string& text, const char* option) {
  std::vector<std::int64_t> seeds;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = std::string_view(text).substr(begin, end - begin);
    const std::size_t dash = part.find('-', 1);
    const auto first = number_in<std::int64_t>(part.substr(0, dash), text, option);
    const auto last =
        dash == std::string_view::npos ? first : number_in<std::int64_t>(part.substr(dash + 1), text, option);
    if (first < 0 || last < first)
      fail(ErrorKind::usage, "{} {}: '{}' is no range of whole numbers from 0 up", option, text, part);
    if (static_cast<std::uint64_t>(last - first) >= most_seeds ||
        seeds.size() + static_cast<std::size_t>(last - first) >= most_seeds)
      fail(ErrorKind::usage, "{} {}: more than {} seeds", option, text, most_seeds);
    for (std::int64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
    begin = end + 1;
  }
  return seeds;
}

std::vector<double> truncations_in(const std::string& text) {
  const auto finite_in = [&](std::string_view part) {
    const auto value = parse_number<double>(part);
    if (!value || !std::isfinite(*value))
      fail(ErrorKind::usage, "--truncation {}: expected a number or FROM..TO:COUNT, e.g. 0.7 or 0.3..1:5", text);
    return *value;
  };
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) return {finite_in(text)};
  const std::size_t colon = text.find(':', dots);
  if (colon == std::string::npos) fail(ErrorKind::usage, "--truncation {}: expected FROM..TO:COUNT", text);
  const std::string_view view = text;
  const double from = finite_in(view.substr(0, dots)), to = finite_in(view.substr(dots + 2, colon - dots - 2));
  const auto count = number_in<int>(view.substr(colon + 1), text, "--truncation");
  if (count < 2 || count > 1000) fail(ErrorKind::usage, "--truncation {}: 2 to 1000 values", text);
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(from + (to - from) * i / (count - 1));
  return values;
}

std::pair<int, int> grid_in(const std::string& text) {
  const std::size_t cross = text.find('x');
  const std::string_view view = text;
  const auto columns = number_in<int>(view.substr(0, cross), text, "--grid");
  const int rows = cross == std::string::npos ? columns : number_in<int>(view.substr(cross + 1), text, "--grid");
  if (columns < 1 || rows < 1 || columns > 1000 || rows > 1000)
    fail(ErrorKind::usage, "--grid {}: expected COLUMNSxROWS, 1 to 1000 each", text);
  return {columns, rows};
}

std::vector<int> layers_in(const std::string& text, const char* option) {
  std::vector<int> layers;
  for (const std::int64_t layer : seeds_in(text, option)) {
    if (layer > 1000) fail(ErrorKind::usage, "{} {}: no network has a layer {}", option, text, layer);
    layers.push_back(static_cast<int>(layer));
  }
  return layers;
}

StyleMix mix_in(const std::string& text) {
  const std::size_t comma = text.find(','), colon = text.find(':');
  if (comma == std::string::npos || colon == std::string::npos || colon < comma)
    fail(ErrorKind::usage, "--mix {}: expected A,B:LAYERS, e.g. 1-4,10-15:0-3", text);
  return {seeds_in(text.substr(0, comma), "--mix"), seeds_in(text.substr(comma + 1, colon - comma - 1), "--mix"),
          layers_in(text.substr(colon + 1), "--mix")};
}

}  // namespace ganvas::cli
