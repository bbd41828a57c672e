#include "format/pickle_stack.hpp"

namespace ganvas::format {
namespace {

/// A state dict needs about 30 values a tensor; millions (100 bytes each) are beyond any model. References to values
/// are counted too: with the memo, a short pickle can repeat long lists.
constexpr std::size_t kMostValues = 2'000'000;
constexpr std::size_t kMostReferences = 8'000'000;

}  // namespace

void PickleStack::charge(std::size_t references) {
  if (references > kMostReferences - charged_) damaged("it has too many values for a model");
  charged_ += references;
}

Value& PickleStack::push(Kind kind) {
  if (pickle_.values.size() >= kMostValues) damaged("it has too many values for a model");
  Value& value = pickle_.values.emplace_back();
  value.kind = kind;
  stack_.push_back(&value);
  return value;
}

void PickleStack::push_again(Value* value) {
  charge(1);
  stack_.push_back(value);
}

void PickleStack::push_items(Kind kind, Items items) {
  if (kind == Kind::dict && items.size() % 2 != 0) damaged("a dictionary has a key without a value");
  charge(items.size());
  push(kind).items = std::move(items);
}

void PickleStack::push_tuple(std::size_t count) {
  Items items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  push_items(Kind::tuple, std::move(items));
}

Value* PickleStack::pop() {
  Value* value = &top();
  stack_.pop_back();
  return value;
}

Value& PickleStack::top() {
  if (stack_.size() <= floor()) damaged("it takes a value from an empty stack");
  return *stack_.back();
}

void PickleStack::add_items(Kind kind, const Items& items) {
  Value& target = top();
  if (target.kind == Kind::opaque) return;
  if (target.kind != kind) damaged("it adds items to something that can't hold them");
  if (kind == Kind::dict && items.size() % 2 != 0) damaged("a dictionary has a key without a value");
  charge(items.size());
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleStack::push_mark() {
  charge(1);
  marks_.push_back(stack_.size());
}

PickleStack::Items PickleStack::pop_to_mark() {
  if (marks_.empty()) damaged("it needs a mark that was not set");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  Items items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleStack::drop() {
  if (!marks_.empty() && stack_.size() == marks_.back()) marks_.pop_back();
  else pop();
}

void PickleStack::remember(std::uint64_t index) {
  charge(1);
  memo_[index] = &top();
}

void PickleStack::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) damaged("it recalls a value that was not stored");
  push_again(found->second);
}

void PickleStack::call() {
  const Value* arguments = pop();
  const Value* global = pop();
  Value& result = push(Kind::none);
  apply_global(context(), *global, *arguments, result);
  charge(result.items.size() + (result.tensor ? 2 * result.tensor->sizes.size() : 0));
}

void PickleStack::push_storage() {
  const Value* id = pop();
  Value& value = push(Kind::none);
  read_storage_id(context(), *id, value);
  if (value.kind != Kind::storage) return;
  const StorageReference& storage = *value.storage;
  const StorageReference& known = *pickle_.storages.try_emplace(storage.key, &storage).first->second;
  if (known.type != storage.type || known.count != storage.count) damaged("one storage is described in two ways");
}

Pickle PickleStack::finish() {
  pickle_.root = pop();
  return std::move(pickle_);
}

}  // namespace ganvas::format
