#pragma once

namespace ganvas {

/// How many of `wanted` further threads this process can have at once (ulimit -u, pids.max of a control group, stacks
/// under ulimit -v): found by starting them, for a moment.
int startable_threads(int wanted);

}  // namespace ganvas
