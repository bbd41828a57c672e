#pragma once

#include "format/cursor.hpp"
#include "format/pickle_value.hpp"

namespace ganvas::format {

/// Reads one pickle (protocols 0 to 5) from the cursor, which stands behind it afterwards. Builds data only: a
/// few Python names are understood as tensors and dicts (pickle_globals.hpp), what others would make is opaque, and
/// those that start programs end in an Error(model) that gives the name. Nothing is imported or called. Memory is
/// bounded by the pickle's length and a limit on the number of values.
Pickle read_pickle(Cursor& cursor);

}  // namespace ganvas::format
