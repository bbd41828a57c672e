#include <fmt/format.h>

#include <cstdio>

#include "commands/model_facts.hpp"
#include "commands/run.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/places.hpp"
#include "model_table.hpp"

namespace ganvas::cli {

int run(const ModelListRequest& request) {
  std::vector<ModelRow> rows;
  for (const auto& name : shipped_models()) {
    const auto text = model_facts(name, read_model_file(find_model(name)));
    if (request.json) fmt::print("{}\n", json_line(text));
    ModelRow& row = rows.emplace_back();
    row.name = name;
    if (text.contains("scale")) row.scale = text["scale"].get<int>();
    row.architecture = text["architecture"].get<std::string>();
    row.parameters = text["parameters"].get<std::int64_t>();
  }
  if (!request.json) print_model_table(rows);
  return 0;
}

}  // namespace ganvas::cli
