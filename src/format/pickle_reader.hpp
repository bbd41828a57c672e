#pragma once

#include "format/cursor.hpp"
#include "format/pickle_value.hpp"

namespace ganvas::format {

/// Reads one pickle (protocols 0 to 5) from the cursor, which stands behind it afterwards. Builds data only: Python
/// names outside a short list end in an Error(model) that gives the name, and those on the list are not called but
/// understood (pickle_globals.hpp). Memory is bounded by the pickle's length and a limit on the number of values.
Pickle read_pickle(Cursor& cursor);

}  // namespace ganvas::format
