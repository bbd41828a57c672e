#include "ganvas/core/recipe.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "core/toml.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/parse_number.hpp"
#include "ganvas/core/utf8.hpp"

namespace ganvas {

namespace {

std::string trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::vector<std::string> split_list(std::string text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  std::vector<std::string> items;
  std::stringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) {
    item = trim(item);
    if (item.size() >= 2 && item.front() == '"' && item.back() == '"') item = item.substr(1, item.size() - 2);
    items.push_back(item);
  }
  return items;
}

/// TOML's numbers may begin with a plus.
template <typename T>
bool parse_whole(const std::string& text, T& value) {
  const auto number = parse_number<T>(std::string_view(text).substr(text.starts_with('+') ? 1 : 0));
  if (number) value = *number;
  return number.has_value();
}

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

template <typename T>
std::string listed(const std::vector<T>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

}  // namespace

Recipe Recipe::parse(const std::string& toml, std::string name) {
  Recipe recipe;
  recipe.name_ = std::move(name);
  for (TomlEntry& entry : read_toml(toml, recipe.name_)) {
    if (recipe.values_.contains(entry.key)) recipe.wrong(entry.key, "is given twice");
    // It becomes JSON, in the model file at the latest.
    if (!std::ranges::all_of(entry.values, is_utf8))
      recipe.wrong(entry.key, "is no UTF-8 text; save the recipe in UTF-8");
    recipe.values_[entry.key] = std::move(entry.values);
  }
  return recipe;
}

Recipe Recipe::load(const std::filesystem::path& path) {
  const Bytes bytes = read_file(path, 1 << 20);
  Recipe recipe = parse(std::string(bytes.begin(), bytes.end()), path.string());
  if (recipe.values_.empty())
    fail(ErrorKind::recipe, "{}: says nothing; a recipe names its task at least", path.string());
  return recipe;
}

void Recipe::set(std::string_view assignment) {
  const auto equals = assignment.find('=');
  const std::string key = trim(assignment.substr(0, equals));
  if (equals == std::string_view::npos || key.empty())
    fail(ErrorKind::usage, "--set {}: expected section.key=value", assignment);
  // As the file's keys are written, so that none stands there under two names.
  const auto in_a_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  for (std::size_t i = 0; i < key.size(); ++i)
    if (!in_a_name(key[i]) && (key[i] != '.' || i == 0 || key[i - 1] == '.' || i + 1 == key.size()))
      fail(ErrorKind::usage, "--set {}: keys are names of letters, digits, _ and -, with a dot between two",
           assignment);
  const std::string value = trim(assignment.substr(equals + 1));
  if (!is_utf8(value)) fail(ErrorKind::usage, "--set {}: its value is no UTF-8 text", assignment);
  overridden_.insert(key);
  if (value.empty()) {
    values_.erase(key);
    return;
  }
  const Values values = split_list(value), *before = raw(key);
  // "optimiser.generator." where the file names another type, "optimiser.generator" where it names none.
  if (key.ends_with(".type") && (!before || *before != values))
    changed_types_.insert(key.substr(0, key.size() - (before ? 4 : 5)));
  values_[key] = values;
}

const Recipe::Values* Recipe::raw(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

const std::string* Recipe::single(const std::string& key) const {
  const Values* values = raw(key);
  if (!values) return nullptr;
  if (values->size() != 1) wrong(key, "expects one value");
  return &values->front();
}

void Recipe::note(const std::string& key, std::string toml_value, const std::string& toml_default) {
  resolved_[key] = std::move(toml_value);
  defaults_[key] = toml_default;
}

void Recipe::wrong(const std::string& key, const std::string& why) const {
  std::string line = fmt::format("{}: {}: {}", name_, key, why);  // values may have lines
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  fail(ErrorKind::recipe, "{}", line);
}

std::int64_t Recipe::integer(const std::string& key, std::int64_t fallback, std::int64_t low, std::int64_t high) {
  std::int64_t value = fallback;
  if (const std::string* given = single(key); given && !parse_whole(*given, value))
    wrong(key, fmt::format("'{}' is not a whole number", *given));
  if (value < low || value > high) wrong(key, fmt::format("{} is not in {} .. {}", value, low, high));
  note(key, fmt::format("{}", value), fmt::format("{}", fallback));
  return value;
}

double Recipe::number(const std::string& key, double fallback, double low, double high) {
  double value = fallback;
  if (const std::string* given = single(key); given && !parse_whole(*given, value))
    wrong(key, fmt::format("'{}' is not a number", *given));
  if (!(value >= low && value <= high)) wrong(key, fmt::format("{} is not in {} .. {}", value, low, high));
  note(key, fmt::format("{}", value), fmt::format("{}", fallback));
  return value;
}

std::optional<double> Recipe::optional_number(const std::string& key, double low, double high) {
  optional_.insert(key);
  if (!has(key)) return std::nullopt;
  const double value = number(key, 0, low, high);
  defaults_[key].clear();  // a recipe without it has none
  return value;
}

bool Recipe::flag(const std::string& key, bool fallback) {
  bool value = fallback;
  if (const std::string* given = single(key)) {
    if (*given != "true" && *given != "false") wrong(key, fmt::format("'{}' is neither true nor false", *given));
    value = *given == "true";
  }
  note(key, fmt::format("{}", value), fmt::format("{}", fallback));
  return value;
}

std::string Recipe::text(const std::string& key, const std::string& fallback) {
  const std::string* given = single(key);
  std::string value = given ? *given : fallback;
  note(key, quote(value), quote(fallback));
  return value;
}

std::string Recipe::choice(const std::string& key, const std::string& fallback,
                           const std::vector<std::string>& allowed) {
  std::string value = text(key, fallback);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
    wrong(key, fmt::format("'{}' is none of {}", value, fmt::join(allowed, ", ")));
  return value;
}

std::vector<std::int64_t> Recipe::integers(const std::string& key, const std::vector<std::int64_t>& fallback) {
  std::vector<std::int64_t> values = fallback;
  if (const Values* given = raw(key)) {
    values.clear();
    for (const auto& item : *given) {
      std::int64_t value = 0;
      if (!parse_whole(item, value)) wrong(key, fmt::format("'{}' is not a whole number", item));
      values.push_back(value);
    }
  }
  note(key, listed(values), listed(fallback));
  return values;
}

std::vector<double> Recipe::numbers(const std::string& key, const std::vector<double>& fallback, double low,
                                    double high) {
  std::vector<double> values = fallback;
  if (const Values* given = raw(key)) {
    values.clear();
    for (const auto& item : *given) {
      double value = 0;
      if (!parse_whole(item, value)) wrong(key, fmt::format("'{}' is not a number", item));
      values.push_back(value);
    }
  }
  for (const double value : values)
    if (!(value >= low && value <= high)) wrong(key, fmt::format("{} is not in {} .. {}", value, low, high));
  note(key, listed(values), listed(fallback));
  return values;
}

std::vector<std::string> Recipe::texts(const std::string& key, const std::vector<std::string>& fallback) {
  const Values* given = raw(key);
  Values values = given ? *given : fallback;
  const auto quoted = [](Values texts) {
    for (auto& text : texts) text = quote(text);
    return listed(texts);
  };
  note(key, quoted(values), quoted(fallback));
  return values;
}

namespace {

nlohmann::json typed_value(const std::string& text) {
  std::int64_t whole = 0;
  double real = 0;
  if (parse_whole(text, whole)) return whole;
  if (parse_whole(text, real)) return real;
  if (text == "true" || text == "false") return text == "true";
  return text;
}

}  // namespace

nlohmann::json Recipe::table(const std::string& prefix, const std::vector<std::string>& except) {
  nlohmann::json result = nlohmann::json::object();
  for (const auto& [key, values] : values_) {
    if (!key.starts_with(prefix + ".")) continue;
    const std::string name = key.substr(prefix.size() + 1);
    if (std::find(except.begin(), except.end(), name) != except.end()) continue;
    nlohmann::json list = nlohmann::json::array();
    for (const auto& value : values) {
      list.push_back(typed_value(value));
      if (list.back().is_number_float() && !std::isfinite(list.back().get<double>()))
        wrong(key, fmt::format("'{}' is not a number to compute with", value));
    }
    result[name] = list.size() == 1 ? list[0] : list;
  }
  record(prefix, result);
  return result;
}

void Recipe::record(const std::string& prefix, const nlohmann::json& values) {
  for (const auto& [name, value] : values.items()) {
    const std::string key = prefix + "." + name;
    // Only the part itself knows its defaults; what isn't given is one of them.
    note(key, value.dump(), has(key) ? std::string() : value.dump());
  }
}

void Recipe::check_all_read(const std::string& prefix) const {
  std::vector<std::string> known(optional_.begin(), optional_.end());
  for (const auto& [key, value] : resolved_) known.push_back(key);
  for (const auto& [key, value] : values_) {
    if (resolved_.contains(key) || !key.starts_with(prefix)) continue;
    // What the file says of the type that an override replaced, be it the default's.
    const std::string table = key.substr(0, key.rfind('.') + 1);
    const bool unnamed = !table.empty() && changed_types_.contains(table.substr(0, table.size() - 1));
    const auto type = resolved_.find(table + "type");
    const bool replaced = changed_types_.contains(table) ||
                          (unnamed && type != resolved_.end() && type->second != defaults_.at(type->first));
    if (!overridden_.contains(key) && replaced) continue;
    const std::string nearest = nearest_name(key, known);
    wrong(key, nearest.empty() ? "unknown key" : fmt::format("unknown key; did you mean {}?", nearest));
  }
}

std::vector<std::string> Recipe::given() const {
  std::vector<std::string> keys;
  for (const auto& [key, values] : values_) keys.push_back(key);
  return keys;
}

bool Recipe::at_default(const std::string& key) const {
  const auto value = resolved_.find(key);
  return value != resolved_.end() && value->second == defaults_.at(key);
}

std::vector<Recipe::Difference> Recipe::differences_from(const std::string& resolved) const {
  const Recipe there = parse(resolved, name_), here = parse(this->resolved(), name_);
  const auto text = [](const Values* values) {
    return values ? fmt::format("{}", fmt::join(*values, ", ")) : "nothing";
  };
  std::vector<Difference> differences;
  for (const auto& [key, values] : there.values_)
    if (const Values* now = here.raw(key); !now || *now != values)
      differences.push_back({key, text(&values), text(now)});
  for (const auto& [key, values] : here.values_)
    if (!there.has(key) && !at_default(key)) differences.push_back({key, text(nullptr), text(&values)});
  std::sort(differences.begin(), differences.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return differences;
}

std::string Recipe::resolved() const {
  std::string top, tables, table;
  for (const auto& [key, value] : resolved_) {
    const auto dot = key.rfind('.');
    if (dot == std::string::npos) {
      top += fmt::format("{} = {}\n", key, value);
      continue;
    }
    if (key.substr(0, dot) != table) tables += fmt::format("\n[{}]\n", table = key.substr(0, dot));
    tables += fmt::format("{} = {}\n", key.substr(dot + 1), value);
  }
  return top + tables;
}

std::string nearest_name(std::string_view text, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = text.size() / 2 + 1;
  for (const auto& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t substituted = diagonal + (text[i] != candidate[j]);
        diagonal = row[j + 1];
        row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace ganvas
