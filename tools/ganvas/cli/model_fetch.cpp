#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/fetch/catalogue.hpp"

namespace ganvas::cli {

namespace {

std::string hash_text(const OfficialFile& file) {
  if (file.sha256.empty()) return "no hash known";
  return fmt::format("sha256 {}{}", file.sha256.substr(0, 8), file.sha256.size() < 64 ? " (no more known)" : "...");
}

int list_files(const ModelFetchRequest& request) {
  for (const auto& file : official_files()) {
    const std::filesystem::path path = fetched_path(file);
    const bool here = std::filesystem::is_regular_file(path);
    if (request.json) {
      nlohmann::ordered_json line{{"name", file.name}, {"file", file.file}, {"url", download_url(file)}};
      line["bytes"] = file.bytes > 0 ? nlohmann::ordered_json(file.bytes) : nlohmann::ordered_json();
      line["sha256"] = file.sha256.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(file.sha256);
      line.update({{"what", file.what}, {"path", path.string()}, {"here", here}});
      fmt::print("{}\n", json_line(line));
      continue;
    }
    const std::string size =
        file.bytes > 0 ? fmt::format("{:.2f} MB", static_cast<double>(file.bytes) / 1e6) : "size unknown";
    fmt::print("{:<37} {:>12}  {:<32} {} {}\n", file.name, size, hash_text(file), here ? "here" : "    ", file.what);
  }
  return 0;
}

int fetch_or_list(const ModelFetchRequest& request) {
  if (request.list) return list_files(request);
  if (request.names.empty() != request.all) fail(ErrorKind::usage, "model fetch: give names, or --all, or --list");
  for (const auto& name : request.names) official_file(name);  // a wrong one shows before any transfer
  const bool hash = !request.sha256.empty();
  if (hash && request.names.size() != 1) fail(ErrorKind::usage, "model fetch: --sha256 is of one file; name that");
  if (hash && (request.sha256.size() != whole_hash ||
               request.sha256.find_first_not_of("0123456789abcdef") != request.sha256.npos))
    fail(ErrorKind::usage, "model fetch: --sha256 takes {} digits of 0-9 and a-f", whole_hash);
  return run_in_library(request);
}

}  // namespace

void add_model_fetch(CLI::App& model, Action& action) {
  CLI::App* fetch = model.add_subcommand(
      "fetch", "Download official weight files into the cache ($XDG_CACHE_HOME/ganvas/models); prints their paths");
  auto request = std::make_shared<ModelFetchRequest>();
  fetch->add_option("names", request->names, "Names, as in --list");
  fetch->add_flag("--all", request->all, "All whose hash is known (1.7 GB)");
  fetch->add_option("--sha256", request->sha256, "What the file must be, where the list knows no whole hash");
  fetch->add_flag("--list", request->list, "What there is, with sizes and hashes; fetches nothing");
  fetch->add_flag("--force", request->force, "Download even if the file is there");
  fetch->add_flag("--json", request->json, "One JSON line a file");
  fetch->footer("$GANVAS_MODEL_URL names a mirror that holds the files under the same names.");
  fetch->callback([request, &action] { action = [request] { return fetch_or_list(*request); }; });
}

}  // namespace ganvas::cli
