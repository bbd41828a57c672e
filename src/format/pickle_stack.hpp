#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "format/cursor.hpp"
#include "format/pickle_globals.hpp"
#include "format/pickle_value.hpp"

namespace ganvas::format {

/// The state of Python's pickle machine: a stack, marks in it, and a memo of numbered values. Every misuse throws
/// Error(model); the number of values and of references to them is limited.
class PickleStack {
 public:
  using Kind = Value::Kind;
  using Items = std::vector<Value*>;

  /// The cursor only says where in which file a message belongs.
  explicit PickleStack(const Cursor& cursor) : cursor_(cursor) {}
  PickleContext context() const { return {cursor_.source().name(), cursor_.position()}; }
  [[noreturn]] void damaged(std::string_view what) const { context().damaged(what); }

  Value& push(Kind kind);
  void push_integer(std::int64_t integer) { push(Kind::integer).integer = integer; }
  void push_boolean(bool boolean) { push(Kind::boolean).integer = boolean; }
  void push_text(std::string text) { push(Kind::text).text = std::move(text); }
  void push_items(Kind kind, Items items);
  void push_tuple(std::size_t count);
  void push_again(Value* value);
  Value* pop();
  Value& top();
  /// Adds to the list or dict on top. What is opaque takes anything: it is of no interest.
  void add_items(Kind kind, const Items& items);

  void push_mark();
  Items pop_to_mark();
  /// Takes back the mark instead of a value when nothing stands above it, as Python does.
  void drop();

  void duplicate() { push_again(&top()); }
  void remember(std::uint64_t index);
  void remember_next() { remember(memo_.size()); }
  void recall(std::uint64_t index);

  /// Replaces a global and its arguments by what the call gives.
  void call();
  /// Replaces a persistent id by its storage.
  void push_storage();
  Pickle finish();

 private:
  void charge(std::size_t references);
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  const Cursor& cursor_;
  Pickle pickle_;
  Items stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Value*> memo_;
  std::size_t charged_ = 0;
};

}  // namespace ganvas::format
