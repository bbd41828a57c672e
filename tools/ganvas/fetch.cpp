#include "ganvas/fetch/catalogue.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/progress.hpp"

namespace ganvas::cli {

namespace {

struct Options {
  std::vector<std::string> names;
  bool all = false, list = false, json = false, force = false;
};

std::string hash_text(const OfficialFile& file) {
  if (file.sha256.empty()) return "no hash known";
  return fmt::format("sha256 {}{}", file.sha256.substr(0, 8), file.sha256.size() < 64 ? " (no more known)" : "...");
}

int list_files(const Options& options) {
  for (const auto& file : official_files()) {
    const std::filesystem::path path = fetched_path(file);
    const bool here = std::filesystem::is_regular_file(path);
    if (options.json) {
      nlohmann::ordered_json line{{"name", file.name}, {"file", file.file}, {"url", download_url(file)}};
      line["bytes"] = file.bytes > 0 ? nlohmann::ordered_json(file.bytes) : nlohmann::ordered_json();
      line["sha256"] = file.sha256.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(file.sha256);
      line.update({{"what", file.what}, {"path", path.string()}, {"here", here}});
      fmt::print("{}\n", line.dump());
      continue;
    }
    const std::string size =
        file.bytes > 0 ? fmt::format("{:.2f} MB", static_cast<double>(file.bytes) / 1e6) : "size unknown";
    fmt::print("{:<37} {:>12}  {:<32} {} {}\n", file.name, size, hash_text(file), here ? "here" : "    ", file.what);
  }
  return 0;
}

FetchResult fetch_one(const OfficialFile& file, bool force) {
  FetchOptions options;
  options.force = force;
  std::optional<Progress> bar;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    const auto whole = [](std::uint64_t bytes) { return std::floor(static_cast<double>(bytes) / 1e6); };
    if (total > 0 && total < 1'000'000) return;  // over before anyone reads it
    if (!bar) bar.emplace("fetch " + file.name + " (MB)", whole(total), whole(done));
    bar->update(whole(done));
  };
  FetchResult result = fetch_official(file, options);
  // Someone else may compare what nobody has vouched for.
  if (file.sha256.size() < 64) log(LogLevel::info, "{}: sha256 {}", file.file, result.sha256);
  return result;
}

int run_fetch(const Options& options) {
  if (options.list) return list_files(options);
  if (options.names.empty() != options.all) fail(ErrorKind::usage, "model fetch: give names, or --all, or --list");
  std::vector<const OfficialFile*> files;
  for (const auto& name : options.names) files.push_back(&official_file(name));
  if (options.all)
    for (const auto& file : official_files()) files.push_back(&file);

  int code = 0;
  for (const OfficialFile* file : files) {
    try {
      const FetchResult result = fetch_one(*file, options.force);
      if (options.json)
        fmt::print("{}\n", nlohmann::ordered_json{{"name", file->name},
                                                  {"path", result.path.string()},
                                                  {"bytes", result.bytes},
                                                  {"sha256", result.sha256},
                                                  {"downloaded", result.downloaded}}
                               .dump());
      else fmt::print("{}\n", result.path.string());
      std::fflush(stdout);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::file) throw;
      log_line(LogLevel::error, error.what());
      code = exit_code(error.kind());
    }
  }
  return code;
}

}  // namespace

void add_model_fetch(CLI::App& model, Action& action) {
  CLI::App* fetch = model.add_subcommand(
      "fetch", "Download official weight files into the cache ($XDG_CACHE_HOME/ganvas/models); prints their paths");
  auto options = std::make_shared<Options>();
  fetch->add_option("names", options->names, "Names, as in --list");
  fetch->add_flag("--all", options->all, "All of them (1.7 GB)");
  fetch->add_flag("--list", options->list, "What there is, with sizes and hashes; fetches nothing");
  fetch->add_flag("--force", options->force, "Download even if the file is there");
  fetch->add_flag("--json", options->json, "One JSON line a file");
  fetch->footer("$GANVAS_MODEL_URL names a mirror that holds the files under the same names.");
  fetch->callback([options, &action] { action = [options] { return run_fetch(*options); }; });
}

}  // namespace ganvas::cli
