#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "format/elements.hpp"

namespace ganvas::format {

/// A block of elements outside the pickle, or, in files of 2017, a piece of one.
struct StorageReference {
  std::string key;
  const ElementType* type = nullptr;
  std::int64_t count = 0;  ///< elements of the whole block
  std::int64_t view_offset = 0, view_count = 0;
};

/// A tensor whose layout was checked to lie within its storage.
struct TensorReference {
  const StorageReference* storage = nullptr;
  std::int64_t offset = 0;  ///< from the start of the whole block, in elements
  std::vector<std::int64_t> sizes, strides;
};

/// What a pickle describes, as plain data. Values may refer to each other in cycles, so they own nothing but their own
/// text; the Pickle owns them all.
struct Value {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,  ///< also bytes, and integers beyond 64 bits as little-endian bytes
    tuple,
    list,
    dict,    ///< items: key, value, key, value, ...
    global,  ///< text: "module.name"; not hostile
    storage,
    tensor,
    opaque,  ///< something of no interest, e.g. a numpy scalar or a date; text: the global that would have made it
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<Value*> items;  ///< of an opaque value: the state that was set last
  std::unique_ptr<StorageReference> storage;
  std::unique_ptr<TensorReference> tensor;

  /// The value of a text key of a dict, nullptr when absent.
  const Value* find(std::string_view key) const;
};

struct Pickle {
  std::deque<Value> values;
  std::map<std::string, const StorageReference*> storages;  ///< by key
  Value* root = nullptr;
};

}  // namespace ganvas::format
