#include "commands/explain.hpp"

#include "commands/hints.hpp"

namespace ganvas::cli {

std::string explain(const Error& error) {
  return with_hint(error, {{"force", "give --force or --skip-existing"},
                           {"name", "choose another folder or --name"},
                           {"max_pixels", "raise it (--max-pixels) if that is true"},
                           {"format", "choose another by --format or by the output's name"},
                           {"size", "choose a smaller size or --scale"}});
}

}  // namespace ganvas::cli
