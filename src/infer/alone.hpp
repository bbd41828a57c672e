#pragma once

namespace ganvas {

/// While it lives, LibTorch and the BLAS behind it compute on the calling thread alone: how they share work among
/// threads changes the last bits. Scopes may lie in one another; begun and ended on one thread.
class AloneScope {
 public:
  AloneScope();
  ~AloneScope();
  AloneScope(const AloneScope&) = delete;
  AloneScope& operator=(const AloneScope&) = delete;
  /// The same for a thread that begins within the scope and ends with it.
  static void begin_thread();

 private:
  int before_;
};

}  // namespace ganvas
