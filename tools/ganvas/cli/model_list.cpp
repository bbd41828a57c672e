#include <memory>
#include <vector>

#include "cli/commands.hpp"
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

/// From the headers of the model files where these tell all, else (and for --json) by the library, which builds the
/// networks.
int list_models(const ModelListRequest& request) {
  const auto rows = request.json ? std::nullopt : rows_from_headers();
  if (!rows) return run_in_library(request);
  print_model_table(*rows);
  return 0;
}

}  // namespace

void add_model_list(CLI::App& model, Action& action) {
  auto request = std::make_shared<ModelListRequest>();
  CLI::App* list = model.add_subcommand("list", "Shipped models, and the architectures that can be loaded");
  list->add_flag("--json", request->json, "One JSON line a model");
  list->callback([request, &action] { action = [request] { return list_models(*request); }; });
}

}  // namespace ganvas::cli
