#pragma once

#include <string>
#include <string_view>

#include "format/pickle_value.hpp"

namespace ganvas::format {

/// The Python names a state dict may use, and what they mean here. They are compared as text: there is no import.
enum class Global {
  ordered_dict,
  tensor_v1,
  tensor_v2,
  tensor_from_type,
  parameter,
  size,
  storage_class,
  opaque,
  unknown,
};
Global find_global(std::string_view name);

/// Says where in which file something is wrong.
struct PickleContext {
  const std::string& file;
  std::uint64_t position;
  [[noreturn]] void damaged(std::string_view what) const;
  [[noreturn]] void refused(std::string_view global) const;
};

/// Turns `result` into what Python's call of the global would give: plain data again.
void apply_global(const PickleContext& context, const Value& global, const Value& arguments, Value& result);

/// Turns `result` into the storage that a persistent id describes:
/// ('storage', class, key, location, count[, view]).
void read_storage_id(const PickleContext& context, const Value& id, Value& result);

}  // namespace ganvas::format
