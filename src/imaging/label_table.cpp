// The table of classes and colours, and its text form.
#include <algorithm>
#include <map>

#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"
#include "ganvas/imaging/labels.hpp"

namespace ganvas {

namespace {

/// A whole token as a number of 0..largest; -1 if it isn't one.
int number_in(std::string_view token, int largest, int base = 10) {
  const int value = parse_number<int>(token, base).value_or(-1);
  return value > largest ? -1 : value;
}

/// Words between white space, up to five: an entry has four at most.
std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view space = " \t\r\f\v";
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(space); at != line.npos && words.size() < 5;) {
    const std::size_t end = std::min(line.find_first_of(space, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(space, end);
  }
  return words;
}

std::optional<LabelTable::Entry> entry_of(const std::vector<std::string_view>& words) {
  const int index = number_in(words[0], 65535);
  if (index < 0 || words.size() < 2) return std::nullopt;
  std::array<int, 3> colour{-1, -1, -1};
  std::size_t used = 2;
  if (words[1].starts_with('#')) {
    const int value = words[1].size() == 7 ? number_in(words[1].substr(1), 0xffffff, 16) : -1;
    if (value >= 0) colour = {value >> 16, value >> 8 & 255, value & 255};
  } else if (words.size() >= 4) {
    used = 4;
    for (int c = 0; c < 3; ++c) colour[c] = number_in(words[1 + c], 255);
  }
  const bool ends = words.size() == used || words[used].starts_with('#');
  if (!ends || std::min({colour[0], colour[1], colour[2]}) < 0) return std::nullopt;
  LabelTable::Entry entry{index, {}};
  std::transform(colour.begin(), colour.end(), entry.colour.begin(),
                 [](int v) { return static_cast<std::uint8_t>(v); });
  return entry;
}

}  // namespace

LabelColour voc_colour(std::uint32_t index) {
  LabelColour colour{};
  for (int bit = 7; bit >= 0; --bit)
    for (auto& channel : colour) {
      channel |= static_cast<std::uint8_t>((index & 1) << bit);
      index >>= 1;
    }
  return colour;
}

LabelTable LabelTable::voc(int classes) {
  LabelTable table;
  for (int i = 0; i < classes; ++i) table.add(i, voc_colour(static_cast<std::uint32_t>(i)));
  return table;
}

LabelTable LabelTable::parse(std::string_view text, const std::string& name) {
  LabelTable table;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || words[0].starts_with('#')) continue;
    const auto entry = entry_of(words);
    if (!entry) fail(ErrorKind::file, "{}:{}: expected \"index r g b\" or \"index #rrggbb\"", name, number);
    if (table.colour_of(entry->index)) fail(ErrorKind::file, "{}:{}: class {} again", name, number, entry->index);
    table.add(entry->index, entry->colour);
  }
  if (table.entries_.empty()) fail(ErrorKind::file, "{}: no class has a colour here", name);
  return table;
}

void LabelTable::add(int index, LabelColour colour) {
  entries_.push_back({index, colour});
  colours_.emplace(index, colour);
}

std::optional<LabelColour> LabelTable::colour_of(int index) const {
  const auto found = colours_.find(index);
  return found == colours_.end() ? std::nullopt : std::optional(found->second);
}

int LabelTable::largest_index() const {
  int largest = 0;
  for (const Entry& entry : entries_) largest = std::max(largest, entry.index);
  return largest;
}

void LabelTable::require_distinct() const {
  std::map<LabelColour, int> seen;
  for (const Entry& entry : entries_)
    if (const auto [other, fresh] = seen.emplace(entry.colour, entry.index); !fresh)
      fail(ErrorKind::data, "classes {} and {} have the same colour: no way leads back from it", other->second,
           entry.index);
}

}  // namespace ganvas
