#include "commands/network_file.hpp"

#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/nn/feature_network.hpp"

namespace ganvas::cli {

std::filesystem::path find_network_file(const std::string& given) {
  try {
    return find_model(given);
  } catch (const Error&) {
    if (is_path(given)) throw;
    fail(ErrorKind::usage, "{}: no file or model of this name; a published one comes by: ganvas model fetch {}", given,
         fetch_name(given));
  }
}

}  // namespace ganvas::cli
