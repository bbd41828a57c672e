#include "sweep/read_ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

using Kind = SweepRange::Kind;
using Fields = std::map<std::string, nlohmann::json>;

const std::vector<std::string> kFieldNames{"values", "distribution", "min", "max", "step", "count"};
const std::vector<std::pair<std::string, Kind>> kKinds{{"uniform", Kind::uniform},
                                                       {"log-uniform", Kind::log_uniform},
                                                       {"integer", Kind::integer},
                                                       {"log-integer", Kind::log_integer}};
constexpr double kLargestInteger = 1e15;  // a double holds them all, and a product with a step

/// One range as its fields say it.
class RangeReader {
 public:
  RangeReader(const std::string& name, std::string key, Fields fields, bool grid)
      : name_(name), fields_(std::move(fields)), grid_(grid) {
    range_.key = std::move(key);
  }

  SweepRange read() {
    if (fields_.contains("values")) read_list();
    else read_interval();
    for (const auto& [field, value] : fields_)
      if (!read_.contains(field)) wrong(fmt::format("{} means nothing here", field));
    return range_;
  }

 private:
  [[noreturn]] void wrong(const std::string& why) const {
    fail(ErrorKind::recipe, "{}: range.{}: {}", name_, range_.key, why);
  }

  const nlohmann::json* field(const std::string& field_name) {
    read_.insert(field_name);
    const auto found = fields_.find(field_name);
    return found == fields_.end() ? nullptr : &found->second;
  }

  void read_list() {
    const auto& values = *field("values");
    if (values.is_array() && values.empty()) wrong("its list is empty");
    if (!values.is_array()) wrong("has only one value; give two or more, or fix it in [set]");
    for (const auto& value : values) range_.values.push_back(assigned_text(value));
    for (const auto& value : range_.values)
      if (std::count(range_.values.begin(), range_.values.end(), value) > 1)
        wrong(fmt::format("its list has {} twice", value));
  }

  double number(const std::string& field_name) {
    const auto* value = field(field_name);
    if (!value) wrong(fmt::format("{} is missing", field_name));
    if (!value->is_number()) wrong(fmt::format("{} = {} is not a number", field_name, assigned_text(*value)));
    return value->get<double>();
  }

  double integer(const std::string& field_name) {
    const double value = number(field_name);
    if (value != std::floor(value) || std::abs(value) > kLargestInteger)
      wrong(fmt::format("{} = {} is not a whole number", field_name, value));
    return value;
  }

  void read_kind() {
    std::vector<std::string> names;
    for (const auto& [kind_name, kind] : kKinds) names.push_back(kind_name);
    const auto* given = field("distribution");
    const std::string text = given ? assigned_text(*given) : "";
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end())
      wrong(given ? fmt::format("distribution '{}' is none of {}", text, fmt::join(names, ", "))
                  : fmt::format("neither values nor distribution is given; the latter is one of {}",
                                fmt::join(names, ", ")));
    range_.kind = kKinds[static_cast<std::size_t>(found - names.begin())].second;
  }

  void read_interval() {
    read_kind();
    const bool whole = range_.kind == Kind::integer || range_.kind == Kind::log_integer;
    range_.low = whole ? integer("min") : number("min");
    range_.high = whole ? integer("max") : number("max");
    if (range_.low > range_.high) wrong(fmt::format("min = {} is above max = {}", range_.low, range_.high));
    if (range_.low == range_.high) wrong("min and max are the same; fix the key in [set]");
    if (range_.is_logarithmic() && range_.low <= 0)
      wrong(fmt::format("min = {}: a logarithmic range lies above 0", range_.low));
    if (range_.kind == Kind::integer && fields_.contains("step")) {
      range_.step = static_cast<std::int64_t>(integer("step"));
      if (range_.step < 1 || static_cast<double>(range_.step) > range_.high - range_.low)
        wrong(fmt::format("step = {} is not in 1 .. {}", range_.step, range_.high - range_.low));
    }
    if (grid_ && range_.kind != Kind::integer) {
      range_.count = static_cast<std::int64_t>(integer("count"));
      if (range_.count < 2 || range_.count > 1000) wrong(fmt::format("count = {} is not in 2 .. 1000", range_.count));
    }
  }

  const std::string& name_;
  Fields fields_;
  bool grid_;
  SweepRange range_;
  std::set<std::string> read_;
};

}  // namespace

std::string assigned_text(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  if (!value.is_array()) return value.dump();
  std::vector<std::string> items;
  for (const auto& item : value) items.push_back(assigned_text(item));
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::vector<SweepRange> read_ranges(Recipe& file, bool grid) {
  std::map<std::string, Fields> by_key;
  const nlohmann::json table = file.table("range");
  for (const auto& [name, value] : table.items()) {
    const auto dot = name.rfind('.');
    const std::string last = name.substr(dot == std::string::npos ? 0 : dot + 1);
    const bool is_field = std::find(kFieldNames.begin(), kFieldNames.end(), last) != kFieldNames.end();
    if (!is_field && !value.is_array())
      fail(ErrorKind::recipe, "{}: range.{}: neither a list of two values or more nor one of {} of a key's table",
           file.name(), name, fmt::join(kFieldNames, ", "));
    if (is_field && dot == std::string::npos)
      fail(ErrorKind::recipe, "{}: range.{}: stands in no key's table; write [range.TABLE.KEY] above it", file.name(),
           name);
    by_key[is_field ? name.substr(0, dot) : name][is_field ? last : "values"] = value;
  }
  std::vector<SweepRange> ranges;
  for (auto& [key, fields] : by_key) ranges.push_back(RangeReader(file.name(), key, std::move(fields), grid).read());
  if (ranges.empty()) fail(ErrorKind::recipe, "{}: no [range...]: there is nothing to search", file.name());
  return ranges;
}

}  // namespace ganvas
