#include "format/pickle_reader.hpp"

#include <charconv>
#include <unordered_map>

#include "format/pickle_globals.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::format {
namespace {

using Kind = Value::Kind;

/// A state dict needs about 30 values a tensor; millions (100 bytes each) are beyond any model. References to values
/// are counted too: with the memo, a short pickle can repeat long lists.
constexpr std::size_t kMostValues = 2'000'000;
constexpr std::size_t kMostReferences = 8'000'000;

std::string without_quotes(const std::string& text) {
  return text.size() >= 2 && text.front() == text.back() ? text.substr(1, text.size() - 2) : text;
}

/// Python's pickle machine: a stack, marks in it, and a memo of numbered values.
class Machine {
 public:
  explicit Machine(Cursor& cursor) : cursor_(cursor) {}

  Pickle run() {
    while (!step(cursor_.byte())) {
    }
    return std::move(pickle_);
  }

 private:
  PickleContext context() const { return {cursor_.source().name(), cursor_.position()}; }
  [[noreturn]] void damaged(std::string_view what) const { context().damaged(what); }

  Value& push(Kind kind) {
    if (pickle_.values.size() >= kMostValues) damaged("it has too many values for a model");
    Value& value = pickle_.values.emplace_back();
    value.kind = kind;
    stack_.push_back(&value);
    return value;
  }
  /// Takes references from the allowance.
  void charge(std::size_t count) {
    if (count > kMostReferences - charged_) damaged("it has too many values for a model");
    charged_ += count;
  }
  void push_integer(std::int64_t integer) { push(Kind::integer).integer = integer; }
  void push_boolean(bool boolean) { push(Kind::boolean).integer = boolean; }
  void push_text(std::string text) { push(Kind::text).text = std::move(text); }

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  Value* pop() {
    if (stack_.size() <= floor()) damaged("it takes a value from an empty stack");
    Value* value = stack_.back();
    stack_.pop_back();
    return value;
  }
  Value& top() {
    if (stack_.size() <= floor()) damaged("it needs a value on an empty stack");
    return *stack_.back();
  }
  std::vector<Value*> pop_to_mark() {
    if (marks_.empty()) damaged("it needs a mark that was not set");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Value*> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }

  void push_items(Kind kind, std::vector<Value*> items) {
    if (kind == Kind::dict && items.size() % 2 != 0) damaged("a dictionary has a key without a value");
    charge(items.size());
    push(kind).items = std::move(items);
  }
  void push_tuple(std::size_t count) {
    std::vector<Value*> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    push_items(Kind::tuple, std::move(items));
  }
  /// Adds to the list or dict on top. What is opaque takes anything: it is of no interest.
  void add_items(Kind kind, const std::vector<Value*>& items) {
    Value& target = top();
    if (target.kind == Kind::opaque) return;
    if (target.kind != kind) damaged("it adds items to something that can't hold them");
    if (kind == Kind::dict && items.size() % 2 != 0) damaged("a dictionary has a key without a value");
    charge(items.size());
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void push_global(const std::string& module, const std::string& name) {
    std::string full = module + "." + name;
    if (find_global(full) == Global::unknown) context().refused(full);
    push(Kind::global).text = std::move(full);
  }
  void push_stack_global() {
    const Value* name = pop();
    const Value* module = pop();
    if (name->kind != Kind::text || module->kind != Kind::text) damaged("a global name is no text");
    push_global(module->text, name->text);
  }
  void call() {
    const Value* arguments = pop();
    const Value* global = pop();
    Value& result = push(Kind::none);
    apply_global(context(), *global, *arguments, result);
    charge(result.items.size() + (result.tensor ? 2 * result.tensor->sizes.size() : 0));
  }
  void push_storage() {
    const Value* id = pop();
    Value& value = push(Kind::none);
    read_storage_id(context(), *id, value);
    const StorageReference& storage = *value.storage;
    const StorageReference& known = *pickle_.storages.try_emplace(storage.key, &storage).first->second;
    if (known.type != storage.type || known.count != storage.count) damaged("one storage is described in two ways");
  }
  /// Sets attributes of an object: an OrderedDict's `_metadata`, a numpy type's byte order. They are not needed.
  void build() {
    pop();
    const Kind kind = top().kind;
    if (kind != Kind::dict && kind != Kind::tensor && kind != Kind::opaque)
      damaged("it sets attributes of something that has none");
  }

  void push_long(std::uint64_t length) {
    if (length > 8) return push_text(cursor_.text(length));
    std::uint64_t integer = cursor_.integer(length);
    const unsigned unused = 64 - 8 * static_cast<unsigned>(length);
    if (length > 0) integer = static_cast<std::uint64_t>(static_cast<std::int64_t>(integer << unused) >> unused);
    push_integer(static_cast<std::int64_t>(integer));
  }
  void push_integer_line() {
    std::string line = cursor_.line();
    if (line == "00" || line == "01") return push_boolean(line == "01");
    if (line.ends_with('L')) line.pop_back();
    std::int64_t integer = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), integer);
    if (error == std::errc::result_out_of_range) return push_text(std::move(line));
    if (error != std::errc() || end != line.data() + line.size()) damaged("an integer is no number");
    push_integer(integer);
  }
  std::uint64_t index_line() {
    const std::string line = cursor_.line();
    std::uint64_t index = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
    if (error != std::errc() || end != line.data() + line.size()) damaged("a memo index is no number");
    return index;
  }

  void push_again(Value* value) {
    charge(1);
    stack_.push_back(value);
  }
  void push_mark() {
    charge(1);
    marks_.push_back(stack_.size());
  }
  void remember(std::uint64_t index) {
    charge(1);
    memo_[index] = &top();
  }
  void recall(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) damaged("it recalls a value that was not stored");
    push_again(found->second);
  }

  // Each handles some of the operations and says whether `code` was among them.
  bool do_scalars(std::uint8_t code);
  bool do_containers(std::uint8_t code);
  bool do_stack_and_memo(std::uint8_t code);
  bool do_objects(std::uint8_t code);
  bool step(std::uint8_t code);

  Cursor& cursor_;
  Pickle pickle_;
  std::vector<Value*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Value*> memo_;
  std::size_t charged_ = 0;
};

bool Machine::do_scalars(std::uint8_t code) {
  switch (code) {
    case 'N':
      push(Kind::none);
      break;
    case 0x88:
      push_boolean(true);
      break;
    case 0x89:
      push_boolean(false);
      break;
    case 'I':
    case 'L':
      push_integer_line();
      break;
    case 'J':
      push_integer(static_cast<std::int32_t>(cursor_.integer(4)));
      break;
    case 'K':
      push_integer(static_cast<std::int64_t>(cursor_.integer(1)));
      break;
    case 'M':
      push_integer(static_cast<std::int64_t>(cursor_.integer(2)));
      break;
    case 0x8a:
      push_long(cursor_.integer(1));
      break;
    case 0x8b:
      push_long(cursor_.integer(4));
      break;
    case 'F':
      cursor_.line();
      push(Kind::real);
      break;
    case 'G':
      cursor_.integer(8);
      push(Kind::real);
      break;
    case 'S':
      push_text(without_quotes(cursor_.line()));
      break;
    case 'V':
      push_text(cursor_.line());
      break;
    case 'U':
    case 'C':
    case 0x8c:
      push_text(cursor_.text(cursor_.integer(1)));
      break;
    case 'T':
    case 'B':
    case 'X':
      push_text(cursor_.text(cursor_.integer(4)));
      break;
    case 0x8d:
    case 0x8e:
    case 0x96:
      push_text(cursor_.text(cursor_.integer(8)));
      break;
    default:
      return false;
  }
  return true;
}

bool Machine::do_containers(std::uint8_t code) {
  switch (code) {
    case ')':
      push(Kind::tuple);
      break;
    case 't':
      push_items(Kind::tuple, pop_to_mark());
      break;
    case 0x85:
      push_tuple(1);
      break;
    case 0x86:
      push_tuple(2);
      break;
    case 0x87:
      push_tuple(3);
      break;
    case ']':
      push(Kind::list);
      break;
    case 'l':
      push_items(Kind::list, pop_to_mark());
      break;
    case 'a': {
      Value* item = pop();
      add_items(Kind::list, {item});
      break;
    }
    case 'e': {
      const std::vector<Value*> items = pop_to_mark();
      add_items(Kind::list, items);
      break;
    }
    case '}':
      push(Kind::dict);
      break;
    case 'd':
      push_items(Kind::dict, pop_to_mark());
      break;
    case 's': {
      Value* value = pop();
      Value* key = pop();
      add_items(Kind::dict, {key, value});
      break;
    }
    case 'u': {
      const std::vector<Value*> items = pop_to_mark();
      add_items(Kind::dict, items);
      break;
    }
    // Sets are of no interest.
    case 0x8f:
      push(Kind::opaque);
      break;
    case 0x90:
      pop_to_mark();
      break;
    case 0x91:
      pop_to_mark();
      push(Kind::opaque);
      break;
    default:
      return false;
  }
  return true;
}

bool Machine::do_stack_and_memo(std::uint8_t code) {
  switch (code) {
    case '(':
      push_mark();
      break;
    case '0':
      // Python takes back the mark when nothing stands above it.
      if (!marks_.empty() && stack_.size() == marks_.back()) marks_.pop_back();
      else pop();
      break;
    case '1':
      pop_to_mark();
      break;
    case '2':
      push_again(&top());
      break;
    case 'g':
      recall(index_line());
      break;
    case 'h':
      recall(cursor_.integer(1));
      break;
    case 'j':
      recall(cursor_.integer(4));
      break;
    case 'p':
      remember(index_line());
      break;
    case 'q':
      remember(cursor_.integer(1));
      break;
    case 'r':
      remember(cursor_.integer(4));
      break;
    case 0x94:
      remember(memo_.size());
      break;
    default:
      return false;
  }
  return true;
}

bool Machine::do_objects(std::uint8_t code) {
  switch (code) {
    case 'c': {
      const std::string module = cursor_.line();
      push_global(module, cursor_.line());
      break;
    }
    case 'i': {  // class and arguments in one
      const std::string module = cursor_.line();
      context().refused(module + "." + cursor_.line());
    }
    case 0x93:
      push_stack_global();
      break;
    case 'R':
    case 0x81:
      call();
      break;
    case 'b':
      build();
      break;
    case 'Q':
      push_storage();
      break;
    default:
      return false;
  }
  return true;
}

/// Carries out one operation; true at the end of the pickle.
bool Machine::step(std::uint8_t code) {
  if (do_scalars(code) || do_containers(code) || do_stack_and_memo(code) || do_objects(code)) return false;
  switch (code) {
    case 0x80:
      if (cursor_.byte() > 5) damaged("its pickle protocol is newer than 5");
      return false;
    case 0x95:
      cursor_.integer(8);
      return false;  // length of a frame: the cursor needs no hint
    case '.':
      pickle_.root = pop();
      return true;
    default:
      damaged(fmt::format("operation 0x{:02x} has no place in a state dict", code));
  }
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  const Value* found = nullptr;
  // The last one counts, as in Python.
  for (std::size_t i = 0; kind == Kind::dict && i + 1 < items.size(); i += 2) {
    if (items[i]->kind == Kind::text && items[i]->text == key) found = items[i + 1];
  }
  return found;
}

Pickle read_pickle(Cursor& cursor) { return Machine(cursor).run(); }

}  // namespace ganvas::format
