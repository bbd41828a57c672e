#include "cli/model_list.hpp"

#include <vector>

#include "cli/loader.hpp"
#include "cli/model_header.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

std::optional<std::vector<ModelRow>> rows_from_headers() {
  std::vector<ModelRow> rows;
  for (const auto& name : shipped_models()) {
    auto row = row_from_header(name, find_model(name));
    if (!row) return std::nullopt;
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace

int list_models(const ModelListRequest& request) {
  const auto rows = request.json ? std::nullopt : rows_from_headers();
  if (!rows) return run_in_library(request);
  print_model_table(*rows);
  return 0;
}

}  // namespace ganvas::cli
