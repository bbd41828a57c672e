#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ganvas {

/// A training recipe: TOML tables flattened to dotted keys ("train.steps"). Every key that is read becomes known, with
/// the value in force, so that a run can save its recipe with all defaults spelt out; a key that is in the file and
/// never read is an error. All errors are Error(recipe) with the recipe's name and the key.
class Recipe {
 public:
  Recipe() = default;
  static Recipe parse(const std::string& toml, std::string name);
  static Recipe load(const std::filesystem::path& path);

  /// An override "section.key=value", as after --set. Lists: "a,b" or "[a, b]"; an empty text: "\"\"". Without a value
  /// the key is as if never given. Where "table.type" becomes another one, keys of that table which only the file's
  /// type knew are passed over.
  void set(std::string_view assignment);
  bool has(const std::string& key) const { return values_.contains(key); }

  std::int64_t integer(const std::string& key, std::int64_t fallback, std::int64_t low = INT64_MIN,
                       std::int64_t high = INT64_MAX);
  double number(const std::string& key, double fallback, double low = -1e300, double high = 1e300);
  /// A number that nothing stands for where it isn't given; resolved() then leaves it out.
  std::optional<double> optional_number(const std::string& key, double low = -1e300, double high = 1e300);
  bool flag(const std::string& key, bool fallback);
  std::string text(const std::string& key, const std::string& fallback);
  /// A text out of a fixed set.
  std::string choice(const std::string& key, const std::string& fallback, const std::vector<std::string>& allowed);
  std::vector<std::int64_t> integers(const std::string& key, const std::vector<std::int64_t>& fallback);
  std::vector<double> numbers(const std::string& key, const std::vector<double>& fallback, double low = -1e300,
                              double high = 1e300);
  std::vector<std::string> texts(const std::string& key, const std::vector<std::string>& fallback);

  /// All keys below `prefix` (without it) that aren't in `except`, as numbers, booleans, texts or lists, counted as
  /// read: for a part whose keys someone else checks. record() then notes the values in force.
  nlohmann::json table(const std::string& prefix, const std::vector<std::string>& except = {});
  void record(const std::string& prefix, const nlohmann::json& values);

  /// Throws for the first key that nobody has read, naming the nearest known key. Only keys that begin with `prefix`.
  void check_all_read(const std::string& prefix = {}) const;
  /// All keys read so far, with the values in force, as TOML.
  std::string resolved() const;
  /// Keys that the file or set() gives, sorted.
  std::vector<std::string> given() const;
  /// Whether the value in force is the one that a recipe without this key gets. False for a key that nobody has read.
  bool at_default(const std::string& key) const;
  /// A key whose value there isn't the one here; "nothing" where one side doesn't have it.
  struct Difference {
    std::string key, there, here;
    /// "train.steps: 12 there, 13 here"
    std::string text() const { return key + ": " + there + " there, " + here + " here"; }
  };
  /// What sets this recipe apart from the resolved() text of a run, sorted by key. Keys that the text doesn't know and
  /// that are at their defaults here came with a later version and set nothing apart.
  std::vector<Difference> differences_from(const std::string& resolved) const;
  const std::string& name() const { return name_; }

 private:
  using Values = std::vector<std::string>;
  const Values* raw(const std::string& key) const;
  const std::string* single(const std::string& key) const;
  void note(const std::string& key, std::string toml_value, const std::string& toml_default);
  [[noreturn]] void wrong(const std::string& key, const std::string& why) const;

  std::string name_ = "recipe";
  std::map<std::string, Values> values_;
  std::map<std::string, std::string> resolved_, defaults_;
  std::set<std::string> optional_;  ///< keys that may be absent, and have been asked for
  std::set<std::string> overridden_, changed_types_;
};

/// The candidate with the smallest edit distance to `text`; empty when none is close (more than half of it wrong).
std::string nearest_name(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace ganvas
