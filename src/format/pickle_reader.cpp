#include "format/pickle_reader.hpp"

#include <bit>
#include <charconv>

#include "format/pickle_globals.hpp"
#include "format/pickle_stack.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"

namespace ganvas::format {
namespace {

using Kind = Value::Kind;

/// The operations under the names of Python's pickle.py. Left out: extension codes, out-of-band buffers and
/// persistent ids as text; no state dict has them.
// clang-format off
enum Operation : std::uint8_t {
  MARK = '(', STOP = '.', POP = '0', POP_MARK = '1', DUP = '2', PROTO = 0x80, FRAME = 0x95,
  NONE = 'N', NEWTRUE = 0x88, NEWFALSE = 0x89, INT = 'I', LONG = 'L', BININT = 'J', BININT1 = 'K', BININT2 = 'M',
  LONG1 = 0x8a, LONG4 = 0x8b, FLOAT = 'F', BINFLOAT = 'G',
  STRING = 'S', UNICODE = 'V', SHORT_BINSTRING = 'U', SHORT_BINBYTES = 'C', SHORT_BINUNICODE = 0x8c, BINSTRING = 'T',
  BINBYTES = 'B', BINUNICODE = 'X', BINUNICODE8 = 0x8d, BINBYTES8 = 0x8e, BYTEARRAY8 = 0x96,
  EMPTY_TUPLE = ')', TUPLE = 't', TUPLE1 = 0x85, TUPLE2 = 0x86, TUPLE3 = 0x87,
  EMPTY_LIST = ']', LIST = 'l', APPEND = 'a', APPENDS = 'e',
  EMPTY_DICT = '}', DICT = 'd', SETITEM = 's', SETITEMS = 'u',
  EMPTY_SET = 0x8f, ADDITEMS = 0x90, FROZENSET = 0x91,
  GET = 'g', BINGET = 'h', LONG_BINGET = 'j', PUT = 'p', BINPUT = 'q', LONG_BINPUT = 'r', MEMOIZE = 0x94,
  GLOBAL = 'c', STACK_GLOBAL = 0x93, INST = 'i', OBJ = 'o', REDUCE = 'R', NEWOBJ = 0x81, NEWOBJ_EX = 0x92,
  BUILD = 'b', BINPERSID = 'Q',
};
// clang-format on

std::string without_quotes(const std::string& text) {
  return text.size() >= 2 && text.front() == text.back() ? text.substr(1, text.size() - 2) : text;
}

class Machine {
 public:
  explicit Machine(Cursor& cursor) : cursor_(cursor), stack_(cursor) {}
  Pickle run() {
    while (step(cursor_.byte())) {
    }
    return stack_.finish();
  }

 private:
  /// Carries out one operation; false at the end of the pickle.
  bool step(std::uint8_t code);
  // Each handles some of the operations and says whether `code` was among them.
  bool do_numbers(std::uint8_t code);
  bool do_texts(std::uint8_t code);
  bool do_sequences(std::uint8_t code);
  bool do_dicts_and_sets(std::uint8_t code);
  bool do_stack_and_memo(std::uint8_t code);
  bool do_objects(std::uint8_t code);

  void push_long(std::uint64_t length);
  void push_integer_line();
  void push_real();
  std::uint64_t index_line();
  void push_global(const std::string& module, const std::string& name);
  void push_stack_global();
  void call_first(PickleStack::Items items);
  void build();

  Cursor& cursor_;
  PickleStack stack_;
};

void Machine::push_long(std::uint64_t length) {
  if (length > 8) return stack_.push_text(cursor_.text(length));
  const std::uint64_t integer = cursor_.integer(length);
  const unsigned unused = 64 - 8 * static_cast<unsigned>(length);
  // Shifted to the top and back, which repeats the sign bit.
  stack_.push_integer(length == 0 ? 0 : static_cast<std::int64_t>(integer << unused) >> unused);
}

void Machine::push_integer_line() {
  std::string line = cursor_.line();
  if (line == "00" || line == "01") return stack_.push_boolean(line == "01");
  if (line.ends_with('L')) line.pop_back();
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), integer);
  if (error == std::errc::result_out_of_range) return stack_.push_text(std::move(line));
  if (error != std::errc() || end != line.data() + line.size()) stack_.damaged("an integer is no number");
  stack_.push_integer(integer);
}

/// The only number that pickles write with its highest byte first.
void Machine::push_real() {
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | cursor_.byte();
  stack_.push(Kind::real).real = std::bit_cast<double>(bits);
}

std::uint64_t Machine::index_line() {
  const auto index = parse_number<std::uint64_t>(cursor_.line());
  if (!index) stack_.damaged("a memo index is no number");
  return *index;
}

void Machine::push_global(const std::string& module, const std::string& name) {
  // What is made of a global keeps its name; long ones, called often, would fill the memory.
  constexpr std::size_t longest = 512;
  if (module.size() > longest || name.size() > longest) stack_.damaged("a global has an endless name");
  std::string full = module + "." + name;
  if (find_global(full) == Global::hostile) stack_.context().refused(full);
  stack_.push(Kind::global).text = std::move(full);
}

void Machine::push_stack_global() {
  const Value* name = stack_.pop();
  const Value* module = stack_.pop();
  if (name->kind != Kind::text || module->kind != Kind::text) stack_.damaged("a global name is no text");
  push_global(module->text, name->text);
}

/// Calls the first item with the others.
void Machine::call_first(PickleStack::Items items) {
  if (items.empty()) stack_.damaged("a call without a class");
  stack_.push_again(items.front());
  items.erase(items.begin());
  stack_.push_items(Kind::tuple, std::move(items));
  stack_.call();
}

/// Sets attributes of an object. Those of an OrderedDict (`_metadata`) are not needed.
void Machine::build() {
  Value* state = stack_.pop();
  const Kind kind = stack_.top().kind;
  if (kind == Kind::opaque) stack_.top().items.assign(1, state);
  if (kind != Kind::dict && kind != Kind::tensor && kind != Kind::opaque)
    stack_.damaged("it sets attributes of something that has none");
}

// One operation a line: these are tables.
// clang-format off
bool Machine::do_numbers(std::uint8_t code) {
  switch (code) {
    case NONE: stack_.push(Kind::none); return true;
    case NEWTRUE: stack_.push_boolean(true); return true;
    case NEWFALSE: stack_.push_boolean(false); return true;
    case INT:
    case LONG: push_integer_line(); return true;
    case BININT: stack_.push_integer(static_cast<std::int32_t>(cursor_.integer(4))); return true;
    case BININT1: stack_.push_integer(static_cast<std::int64_t>(cursor_.integer(1))); return true;
    case BININT2: stack_.push_integer(static_cast<std::int64_t>(cursor_.integer(2))); return true;
    case LONG1: push_long(cursor_.integer(1)); return true;
    case LONG4: push_long(cursor_.integer(4)); return true;
    case FLOAT: cursor_.line(); stack_.push(Kind::real); return true;  // of protocol 0; the value is of no interest
    case BINFLOAT: push_real(); return true;
    default: return false;
  }
}

bool Machine::do_texts(std::uint8_t code) {
  switch (code) {
    case STRING: stack_.push_text(without_quotes(cursor_.line())); return true;
    case UNICODE: stack_.push_text(cursor_.line()); return true;
    case SHORT_BINSTRING:
    case SHORT_BINBYTES:
    case SHORT_BINUNICODE: stack_.push_text(cursor_.text(cursor_.integer(1))); return true;
    case BINSTRING:
    case BINBYTES:
    case BINUNICODE: stack_.push_text(cursor_.text(cursor_.integer(4))); return true;
    case BINUNICODE8:
    case BINBYTES8:
    case BYTEARRAY8: stack_.push_text(cursor_.text(cursor_.integer(8))); return true;
    default: return false;
  }
}

bool Machine::do_sequences(std::uint8_t code) {
  switch (code) {
    case EMPTY_TUPLE: stack_.push(Kind::tuple); return true;
    case TUPLE: stack_.push_items(Kind::tuple, stack_.pop_to_mark()); return true;
    case TUPLE1: stack_.push_tuple(1); return true;
    case TUPLE2: stack_.push_tuple(2); return true;
    case TUPLE3: stack_.push_tuple(3); return true;
    case EMPTY_LIST: stack_.push(Kind::list); return true;
    case LIST: stack_.push_items(Kind::list, stack_.pop_to_mark()); return true;
    case APPEND: stack_.add_items(Kind::list, {stack_.pop()}); return true;
    case APPENDS: stack_.add_items(Kind::list, stack_.pop_to_mark()); return true;
    default: return false;
  }
}

bool Machine::do_dicts_and_sets(std::uint8_t code) {
  switch (code) {
    case EMPTY_DICT: stack_.push(Kind::dict); return true;
    case DICT: stack_.push_items(Kind::dict, stack_.pop_to_mark()); return true;
    case SETITEM: {
      Value* value = stack_.pop();
      Value* key = stack_.pop();
      stack_.add_items(Kind::dict, {key, value});
      return true;
    }
    case SETITEMS: stack_.add_items(Kind::dict, stack_.pop_to_mark()); return true;
    // Sets are of no interest, nor is what is in them.
    case EMPTY_SET: stack_.push(Kind::opaque); return true;
    case ADDITEMS: stack_.pop_to_mark(); return true;
    case FROZENSET: stack_.pop_to_mark(); stack_.push(Kind::opaque); return true;
    default: return false;
  }
}

bool Machine::do_stack_and_memo(std::uint8_t code) {
  switch (code) {
    case MARK: stack_.push_mark(); return true;
    case POP: stack_.drop(); return true;
    case POP_MARK: stack_.pop_to_mark(); return true;
    case DUP: stack_.duplicate(); return true;
    case GET: stack_.recall(index_line()); return true;
    case BINGET: stack_.recall(cursor_.integer(1)); return true;
    case LONG_BINGET: stack_.recall(cursor_.integer(4)); return true;
    case PUT: stack_.remember(index_line()); return true;
    case BINPUT: stack_.remember(cursor_.integer(1)); return true;
    case LONG_BINPUT: stack_.remember(cursor_.integer(4)); return true;
    case MEMOIZE: stack_.remember_next(); return true;
    default: return false;
  }
}

bool Machine::do_objects(std::uint8_t code) {
  switch (code) {
    case GLOBAL: {
      const std::string module = cursor_.line();
      push_global(module, cursor_.line());
      return true;
    }
    case INST: {  // class and arguments in one
      const std::string module = cursor_.line();
      const PickleStack::Items arguments = stack_.pop_to_mark();
      push_global(module, cursor_.line());
      stack_.push_items(Kind::tuple, arguments);
      stack_.call();
      return true;
    }
    case OBJ: call_first(stack_.pop_to_mark()); return true;
    case NEWOBJ_EX: stack_.pop(); stack_.call(); return true;  // its keyword arguments are of no interest
    case STACK_GLOBAL: push_stack_global(); return true;
    case REDUCE:
    case NEWOBJ: stack_.call(); return true;
    case BUILD: build(); return true;
    case BINPERSID: stack_.push_storage(); return true;
    default: return false;
  }
}

// clang-format on

bool Machine::step(std::uint8_t code) {
  if (code == STOP) return false;
  if (code == PROTO) {
    if (cursor_.byte() > 5) stack_.damaged("its pickle protocol is newer than 5");
    return true;
  }
  if (code == FRAME) {
    cursor_.integer(8);  // a length, as a hint for reading ahead
    return true;
  }
  if (do_numbers(code) || do_texts(code) || do_sequences(code) || do_dicts_and_sets(code) || do_stack_and_memo(code) ||
      do_objects(code))
    return true;
  stack_.damaged(fmt::format("operation 0x{:02x} has no place in a state dict", code));
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
