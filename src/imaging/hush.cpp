#include "imaging/hush.hpp"

namespace ganvas::codecs {

namespace {

std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

/// For ever, since another thread may still hold it when it is put back.
std::FILE* nowhere() {
  static std::FILE* const stream = std::fopen("/dev/null", "we");
  return stream;
}

}  // namespace

#ifdef __GLIBC__
Hush::Hush() : lock_(one_at_a_time()), before_(stderr) {
  if (nowhere()) stderr = nowhere();
}
Hush::~Hush() { stderr = before_; }
#else
// Elsewhere stderr may be no variable.
Hush::Hush() : lock_(one_at_a_time()), before_(nullptr) {}
Hush::~Hush() = default;
#endif

}  // namespace ganvas::codecs
