#include "core/toml.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "ganvas/core/error.hpp"
#include "ganvas/core/utf8.hpp"

namespace ganvas {

namespace {

bool is_bare(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; }

class TomlReader {
 public:
  TomlReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::vector<TomlEntry> read() {
    std::vector<TomlEntry> entries;
    std::string table;
    for (skip_blank(true); !at_end(); skip_blank(true)) {
      if (take('[')) {
        if (peek() == '[') wrong("lists of tables are not supported");
        table = read_key() + ".";
        if (!take(']')) wrong("a ']' is missing");
      } else {
        TomlEntry entry{table + read_key(), {}};
        if (!take('=')) wrong("expected key = value");
        skip_blank(false);
        entry.values = peek() == '[' ? read_list() : std::vector{read_value()};
        entries.push_back(std::move(entry));
      }
      skip_blank(false);
      if (!at_end() && peek() != '\n') wrong("something stands behind the value");
    }
    return entries;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }

  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++at_;
    return true;
  }

  [[noreturn]] void wrong(const std::string& why) const {
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
    fail(ErrorKind::recipe, "{}: line {}: {}", name_, line, why);
  }

  /// Spaces and comments; line ends too where those don't count.
  void skip_blank(bool lines) {
    while (!at_end()) {
      const char c = peek();
      if (c == '#') at_ = std::min(text_.find('\n', at_), text_.size());
      else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n')) ++at_;
      else return;
    }
  }

  std::string read_key() {
    std::string key;
    do {
      skip_blank(false);
      const std::size_t begin = at_;
      while (is_bare(peek())) ++at_;
      if (at_ == begin) wrong("expected a name of letters, digits, - and _");
      key += (key.empty() ? "" : ".") + std::string(text_.substr(begin, at_ - begin));
      skip_blank(false);
    } while (take('.'));
    return key;
  }

  std::vector<std::string> read_list() {
    std::vector<std::string> items;
    take('[');
    for (skip_blank(true); !take(']'); skip_blank(true)) {
      items.push_back(read_value());
      skip_blank(true);
      if (!take(',') && peek() != ']') wrong("a list needs ',' between its items and ']' at its end");
    }
    return items;
  }

  std::string read_value() {
    if (take('"')) return read_string('"');
    if (take('\'')) return read_string('\'');
    const std::size_t begin = at_;
    while (is_bare(peek()) || peek() == '+' || peek() == '.' || peek() == ':') ++at_;
    if (at_ == begin) wrong("expected a value: a number, true, false, a list, or a text in quotes");
    return std::string(text_.substr(begin, at_ - begin));
  }

  /// Behind the opening quote. Only "" has escapes.
  std::string read_string(char quote) {
    std::string value;
    while (!take(quote)) {
      if (at_end() || peek() == '\n') wrong("a text's closing quote is missing");
      const char c = text_[at_++];
      if (c == '\\' && quote == '"') value += read_escape();
      else value += c;
    }
    if (value.empty() && peek() == quote) wrong("texts of several lines are not supported");
    return value;
  }

  std::string read_escape() {
    if (take('u')) return read_character(4);
    if (take('U')) return read_character(8);
    static constexpr std::string_view letters = "\"\\ntrbf", meanings = "\"\\\n\t\r\b\f";
    const auto which = at_end() ? std::string_view::npos : letters.find(peek());
    if (which == std::string_view::npos) wrong("unknown escape in a text; write \\\\ for \\, or put the text in ''");
    ++at_;
    return std::string(1, meanings[which]);
  }

  /// A character by its number, `digits` hexadecimal ones.
  std::string read_character(std::size_t digits) {
    std::uint32_t number = 0;
    const std::string_view text = text_.substr(at_, digits);
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    const std::string character = utf8_of(number);
    if (problem != std::errc() || end != text.data() + digits || character.empty())
      wrong("\\u and \\U in a text need the 4 or 8 hexadecimal digits of a character");
    at_ += digits;
    return character;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<TomlEntry> read_toml(std::string_view text, const std::string& name) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark
  return TomlReader(text, name).read();
}

}  // namespace ganvas
