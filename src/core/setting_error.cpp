#include "ganvas/core/setting_error.hpp"

namespace ganvas {

void rethrow_named(const std::string& name, const Error& error) {
  const std::string message = fmt::format("{}: {}", name, error.what());
  if (const auto* about = dynamic_cast<const SettingError*>(&error))
    throw SettingError(error.kind(), about->setting(), message);
  throw Error(error.kind(), message);
}

}  // namespace ganvas
