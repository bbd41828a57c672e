#include "format/unwrap.hpp"

#include <algorithm>
#include <array>

#include "ganvas/core/error.hpp"

namespace ganvas::format {
namespace {

using Kind = Value::Kind;

// The order matters: of averaged and raw weights the averaged ones are meant for use.
constexpr std::array<std::string_view, 7> kWrappers{"model_state_dict", "state_dict", "params_ema", "params-ema",
                                                    "params",           "model",      "net"};
constexpr int kMostWrappers = 8;  // dicts may contain themselves

/// The key and dict one level further down; nullptr when there is none.
std::pair<std::string, const Value*> inner_dict(const Value& dict) {
  for (const std::string_view key : kWrappers) {
    const Value* value = dict.find(key);
    if (value && value->kind == Kind::dict) return {std::string(key), value};
  }
  if (dict.items.size() == 2 && dict.items[0]->kind == Kind::text && dict.items[1]->kind == Kind::dict)
    return {dict.items[0]->text, dict.items[1]};
  return {};
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

void strip_prefix(StateDict& weights, std::string_view prefix) {
  const bool is_common =
      std::all_of(weights.begin(), weights.end(), [&](const auto& entry) { return entry.first.starts_with(prefix); });
  if (!is_common || weights.empty()) return;
  StateDict stripped;
  for (const auto& [key, tensor] : weights) stripped.set(key.substr(prefix.size()), tensor);
  weights = std::move(stripped);
}

}  // namespace

Unwrapped unwrap(const Pickle& pickle, const std::string& file) {
  const Value* dict = pickle.root;
  if (dict->kind != Kind::dict) {
    fail(ErrorKind::model, "{}: holds {} instead of a state dict; export one with torch.save(model.state_dict(), ...)",
         file, dict->kind == Kind::tensor ? "a single tensor" : "some other data");
  }
  Unwrapped result;
  for (int depth = 0; depth < kMostWrappers; ++depth) {
    const auto [key, inner] = inner_dict(*dict);
    if (!inner) break;
    result.wrapper += (result.wrapper.empty() ? "" : "/") + key;
    dict = inner;
  }
  for (std::size_t i = 0; i + 1 < dict->items.size(); i += 2) {
    if (dict->items[i]->kind == Kind::text && dict->items[i + 1]->kind == Kind::tensor)
      result.tensors.emplace_back(dict->items[i]->text, dict->items[i + 1]->tensor.get());
  }
  if (result.tensors.empty()) {
    fail(ErrorKind::model, "{}: has no tensors{}; there it has {}", file,
         result.wrapper.empty() ? "" : " under " + in_quotes(result.wrapper), describe_keys(*dict));
  }
  return result;
}

StateDict strip_prefixes(const StateDict& weights) {
  StateDict result = weights;
  strip_prefix(result, "module.");
  strip_prefix(result, "netG.");
  return result;
}

}  // namespace ganvas::format
