#include "format/unwrap.hpp"

#include <algorithm>
#include <array>

#include "format/pickle_globals.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/lower_case.hpp"

namespace ganvas::format {
namespace {

using Kind = Value::Kind;

/// In small letters without '_' and '-'. The order matters: of averaged and raw weights the averaged ones are meant for
/// use.
constexpr std::array<std::string_view, 20> kWrappers{
    "modelstatedict",
    "statedict",
    "paramsema",
    "params",
    "modelema",
    "model",
    "netema",
    "net",
    "netgema",
    "gema",
    "generatorema",
    "generatorstatedict",
    "netgstatedict",
    "gstatedict",
    "genstatedict",
    "generator",
    "netg",
    "gen",
    "g",
    "weights",
};
/// Beginnings of the names of what only training needs.
constexpr std::array<std::string_view, 7> kTrainingOnly{"optim", "sched",  "discriminator", "netd",
                                                        "disc",  "scaler", "loss"};
constexpr int kMostWrappers = 8;  // dicts may contain themselves

constexpr std::size_t kLongestKey = 4096;

struct Entry {
  std::string_view key;
  const Value* dict = nullptr;
};

std::string plain(std::string_view key) {
  constexpr std::size_t enough = 32;  // to tell all names above apart
  std::string result;
  for (const char c : key.substr(0, enough))
    if (c != '_' && c != '-') result += lower_case(c);
  return result;
}

/// Looks for tensors in dicts and dicts inside. Dicts may be shared or contain themselves: all searches in one file
/// together look at a limited number of values.
class Search {
 public:
  bool leads_to_tensors(const Value& dict, int depth = kMostWrappers) {
    if (dict.items.size() >= budget_) return false;
    budget_ -= dict.items.size() + 1;
    for (std::size_t i = 1; i < dict.items.size(); i += 2)
      if (dict.items[i]->kind == Kind::tensor) return true;
    for (std::size_t i = 1; depth > 0 && i < dict.items.size(); i += 2)
      if (dict.items[i]->kind == Kind::dict && leads_to_tensors(*dict.items[i], depth - 1)) return true;
    return false;
  }

 private:
  std::size_t budget_ = 20'000'000;
};

/// The dicts of a dict.
std::vector<Entry> inner_dicts(const Value& dict) {
  std::vector<Entry> result;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (dict.items[i]->kind == Kind::text && dict.items[i + 1]->kind == Kind::dict)
      result.push_back({dict.items[i]->text, dict.items[i + 1]});
  }
  return result;
}

/// Of the entries whose names are known wrappers the first in the list's order that leads to tensors; without one the
/// first at all, for the message.
Entry named_wrapper(const std::vector<Entry>& dicts, Search& search) {
  std::vector<std::string> names;
  for (const Entry& entry : dicts) names.push_back(plain(entry.key));
  Entry first;
  for (const std::string_view name : kWrappers) {
    // The last one counts, as in Python.
    const auto found = std::find(names.rbegin(), names.rend(), name);
    if (found == names.rend()) continue;
    const Entry& entry = dicts[static_cast<std::size_t>(names.rend() - found - 1)];
    if (search.leads_to_tensors(*entry.dict)) return entry;
    if (!first.dict) first = entry;
  }
  return first;
}

/// The key and dict one level further down; nullptr when there is none.
Entry inner_dict(const Value& dict, Search& search) {
  const std::vector<Entry> dicts = inner_dicts(dict);
  if (const Entry named = named_wrapper(dicts, search); named.dict) return named;
  if (dict.items.size() == 2 && dicts.size() == 1) return dicts.front();
  Entry only;
  for (const Entry& entry : dicts) {
    const std::string name = plain(entry.key);
    const bool for_training =
        std::ranges::any_of(kTrainingOnly, [&](std::string_view start) { return name.starts_with(start); });
    if (for_training || !search.leads_to_tensors(*entry.dict)) continue;
    if (only.dict) return {};  // which of them?
    only = entry;
  }
  return only;
}

std::string describe_keys(const Value& dict) {
  constexpr std::size_t most_keys = 8;
  std::string result;
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < dict.items.size() && count < most_keys; i += 2) {
    if (dict.items[i]->kind != Kind::text) continue;
    result += (count++ ? ", " : "") + in_quotes(dict.items[i]->text);
  }
  if (dict.items.size() / 2 > count) result += count ? ", ..." : "no text keys";
  return result.empty() ? "nothing" : result;
}

[[noreturn]] void no_state_dict(const Value& value, const std::string& file) {
  if (value.kind == Kind::opaque || value.kind == Kind::global) refuse_global(file, value.text);
  fail(ErrorKind::model, "{}: holds {} instead of a state dict; export one with torch.save(model.state_dict(), ...)",
       file, value.kind == Kind::tensor ? "a single tensor" : "some other data");
}

[[noreturn]] void no_tensors(const Value& dict, const std::string& wrapper, const std::string& file) {
  // Where the weights should be may be an object of a class that isn't known here.
  for (std::size_t i = 1; i < dict.items.size(); i += 2) {
    if (dict.items[i]->kind == Kind::opaque) refuse_global(file, dict.items[i]->text);
  }
  fail(ErrorKind::model, "{}: has no tensors{}; there it has {}", file,
       wrapper.empty() ? "" : " under " + in_quotes(wrapper), describe_keys(dict));
}

}  // namespace

Unwrapped unwrap(const Pickle& pickle, const std::string& file) {
  const Value* dict = pickle.root;
  if (dict->kind != Kind::dict) no_state_dict(*dict, file);
  Unwrapped result;
  if (const Value* name = dict->find("name"); name && name->kind == Kind::text && dict->find("nunif_model"))
    result.network = name->text;
  Search search;
  for (int depth = 0; depth < kMostWrappers; ++depth) {
    const bool has_tensors = std::ranges::any_of(dict->items, [](const Value* v) { return v->kind == Kind::tensor; });
    const Entry inner = has_tensors ? named_wrapper(inner_dicts(*dict), search) : inner_dict(*dict, search);
    if (!inner.dict || inner.key.size() > kLongestKey) break;
    result.wrapper += (result.wrapper.empty() ? "" : "/") + std::string(inner.key);
    dict = inner.dict;
  }
  for (std::size_t i = 0; i + 1 < dict->items.size(); i += 2) {
    const bool named = dict->items[i]->kind == Kind::text && dict->items[i]->text.size() <= kLongestKey;
    if (named && dict->items[i + 1]->kind == Kind::tensor)
      result.tensors.emplace_back(dict->items[i]->text, dict->items[i + 1]->tensor.get());
  }
  if (result.tensors.empty()) no_tensors(*dict, result.wrapper, file);
  return result;
}

}  // namespace ganvas::format
