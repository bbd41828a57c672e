#pragma once

#include "commands/hints.hpp"

namespace ganvas::cli {

/// Does what reads a recipe's data; its errors leave with the options that help.
template <typename Work>
auto with_training_hints(const Work& work) {
  return hinted({{"data", "give --data DIR"},
                 {"places", "give --data once or twice: A's folder, then B's"},
                 {"new_data", "give those, or --new-data to go on with these"},
                 {"lr_data", "leave --lr-data out, or --set degrade.kind=none"},
                 {"out", "wait for its end, or give another --out"}},
                work);
}

}  // namespace ganvas::cli
