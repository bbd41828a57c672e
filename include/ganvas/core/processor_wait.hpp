#pragma once

namespace ganvas {

/// Seconds for which the calling thread was ready to run but no processor was free for it; 0 where the kernel doesn't
/// say (/proc/thread-self/schedstat).
double seconds_without_processor();

}  // namespace ganvas
