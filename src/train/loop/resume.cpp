#include "train/loop/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "ganvas/core/error.hpp"
#include "ganvas/core/hash.hpp"
#include "ganvas/imaging/picture_files.hpp"

namespace fs = std::filesystem;

namespace ganvas {

bool may_change_on_resume(const std::string& key) {
  static constexpr std::array<std::string_view, 10> keys{
      "train.steps",      "train.log_every", "train.validate_every", "train.sample_every", "train.checkpoint_every",
      "train.keep_every", "train.patience",  "train.precision",      "data.threads",       "data.memory"};
  static constexpr std::array<std::string_view, 8> rates{".lr",    ".schedule",   ".warm_up",    ".floor",
                                                         ".gamma", ".milestones", ".decay_from", ".clip"};
  if (std::find(keys.begin(), keys.end(), key) != keys.end() || key.starts_with("monitor.")) return true;
  return (key.starts_with("optimiser.") || key.starts_with("anneal.optimiser.")) &&
         std::any_of(rates.begin(), rates.end(), [&](std::string_view rate) { return key.ends_with(rate); });
}

std::vector<Recipe::Difference> changes_on_resume(const Recipe& recipe, const std::string& resolved,
                                                  const fs::path& checkpoint) {
  auto differences = recipe.differences_from(resolved);
  for (const auto& difference : differences)
    if (!may_change_on_resume(difference.key))
      fail(ErrorKind::recipe,
           "{}: belongs to another recipe ({}); on resuming only steps, rates, precision, monitor and reports may "
           "change: choose another --out",
           checkpoint.string(), difference.text());
  return differences;
}

std::string fingerprint_of(const TaskData& data) {
  std::vector<std::string> lines;
  const auto add = [&](std::string_view role, const fs::path& place) {
    if (place.empty()) return;
    for (const auto& picture : list_pictures(place)) {
      std::error_code unknown;
      const auto size = fs::file_size(picture.path, unknown);
      lines.push_back(
          fmt::format("{}/{}/{}", role, picture.path.lexically_relative(place).generic_string(), unknown ? 0 : size));
    }
  };
  for (std::size_t i = 0; i < data.places.size(); ++i) add(fmt::format("{}", i), data.places[i]);
  add("lr", data.lr);
  add("validation", data.validation);
  std::sort(lines.begin(), lines.end());
  return fmt::format("{} pictures, {:016x}", lines.size(), fnv1a(fmt::format("{}\n", fmt::join(lines, "\n"))));
}

}  // namespace ganvas
