#include "ganvas/fetch/catalogue.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/progress.hpp"

namespace ganvas::cli {

namespace {

FetchResult fetch_one(const OfficialFile& file, const ModelFetchRequest& request) {
  FetchOptions options;
  options.force = request.force;
  options.sha256 = request.sha256;
  std::optional<Progress> bar;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    const auto whole = [](std::uint64_t bytes) { return std::floor(static_cast<double>(bytes) / 1e6); };
    if (total > 0 && total < 1'000'000) return;  // over before anyone reads it
    if (!bar) bar.emplace("fetch " + file.name + " (MB)", whole(total), whole(done));
    bar->update(whole(done));
  };
  return fetch_official(file, options);
}

}  // namespace

int run(const ModelFetchRequest& request) {
  std::vector<const OfficialFile*> files;
  for (const auto& name : request.names) files.push_back(&official_file(name));
  if (request.all)
    for (const auto& file : official_files()) {
      if (is_known(file)) files.push_back(&file);
      else log(LogLevel::info, "{}: left out, its hash isn't known", file.name);
    }

  int code = 0;
  for (const OfficialFile* file : files) {
    try {
      const FetchResult result = fetch_one(*file, request);
      if (request.json)
        fmt::print("{}\n", json_line(nlohmann::ordered_json{{"name", file->name},
                                                            {"path", result.path.string()},
                                                            {"bytes", result.bytes},
                                                            {"sha256", result.sha256},
                                                            {"downloaded", result.downloaded}}));
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

}  // namespace ganvas::cli
