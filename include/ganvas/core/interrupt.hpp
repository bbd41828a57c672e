#pragma once

namespace ganvas {

/// From now on the first Ctrl-C (SIGINT) or SIGTERM only raises a flag, so that work can end cleanly; the second one
/// ends the process at once. SIGPIPE is ignored: a closed pipe shows as a write error.
void install_interrupt_handler();
/// Whether the flag is up.
bool interrupted() noexcept;
/// Throws Error(interrupted) when it is.
void throw_if_interrupted();
/// Raises or lowers the flag (for tests).
void set_interrupted(bool value) noexcept;

}  // namespace ganvas
