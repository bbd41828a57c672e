#pragma once

#include <string>
#include <string_view>

#include "format/pickle_value.hpp"

namespace ganvas::format {

/// The Python names of a pickle, and what they mean here. They are compared as text: there is no import.
enum class Global {
  ordered_dict,
  empty_dict,
  tensor_v1,
  tensor_v2,
  tensor_from_type,
  parameter,
  size,
  typed_list,  ///< TorchScript's: the list that is its argument
  typed,       ///< TorchScript's: (value, its type)
  storage_class,
  opaque,   ///< any other class or function: what it would make has no meaning here
  hostile,  ///< starts programs or Python code, which no checkpoint needs
};
Global find_global(std::string_view name);

/// Throws Error(model): the file needs a Python name that is not understood here.
[[noreturn]] void refuse_global(const std::string& file, std::string_view global);

/// Says where in which file something is wrong.
struct PickleContext {
  const std::string& file;
  std::uint64_t position;
  [[noreturn]] void damaged(std::string_view what) const;
  [[noreturn]] void refused(std::string_view global) const { refuse_global(file, global); }
};

/// Turns `result` into what Python's call of the global would give: plain data again.
void apply_global(const PickleContext& context, const Value& global, const Value& arguments, Value& result);

/// Turns `result` into the storage that a persistent id describes, ('storage', class, key, location, count[, view]), or
/// into the class of ('module', class, source file, source).
void read_storage_id(const PickleContext& context, const Value& id, Value& result);

}  // namespace ganvas::format
