#include "commands.hpp"

namespace ganvas::cli {

void add_compare(CLI::App&, Action&) {}

}  // namespace ganvas::cli
