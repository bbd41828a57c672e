#include "ganvas/sweep/figure.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "ganvas/core/error.hpp"

namespace ganvas {

double best_figure(const std::filesystem::path& log, const std::string& name, bool larger_is_better,
                   std::int64_t steps) {
  std::ifstream stream(log);
  std::set<std::string> names;
  double best = std::numeric_limits<double>::quiet_NaN();
  for (std::string text; std::getline(stream, text);) {
    const auto line = nlohmann::json::parse(text, nullptr, false);
    if (!line.is_object() || line.value("kind", "") != "validation" || line.value("step", INT64_MAX) > steps) continue;
    for (const auto& [figure, value] : line.items())
      if (figure != "kind" && figure != "step") names.insert(figure);
    const auto found = line.find(name);
    if (found == line.end() || !found->is_number()) continue;
    const double value = *found;
    if (std::isnan(best) || (larger_is_better ? value > best : value < best)) best = value;
  }
  if (!names.empty() && !names.contains(name))
    fail(ErrorKind::recipe, "metric: the validation has no figure '{}'; it has {}", name, fmt::join(names, ", "));
  return best;
}

}  // namespace ganvas
