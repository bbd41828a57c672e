#include "engine/choice/choice_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/hash.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas::engine {

namespace {

constexpr int cache_version = 1;
constexpr std::uint64_t largest_file = 1 << 20;

std::string text_of(const Together& together) {
  std::string text;
  for (const bool one : together) text += one ? '1' : '0';
  return text;
}

/// Throws what parsing throws, and Error for what fits nothing.
ChoiceCache::Entry parsed(const std::string& text, const std::string& key, std::size_t nodes) {
  const auto file = nlohmann::json::parse(text);
  if (file.at("version").get<int>() != cache_version) fail(ErrorKind::file, "another version");
  if (file.at("key").get<std::string>() != key) fail(ErrorKind::file, "of something else");
  const auto marks = file.at("together").get<std::string>();
  ChoiceCache::Entry entry{Together(nodes, false), file.at("seconds").get<double>()};
  if (marks.size() != nodes || marks.find_first_not_of("01") != std::string::npos)
    fail(ErrorKind::file, "of another network");
  if (!std::isfinite(entry.seconds) || entry.seconds <= 0) fail(ErrorKind::file, "impossible times");
  for (const NodeId id : entry.together.ids()) entry.together[id] = marks[id.index()] == '1';
  return entry;
}

}  // namespace

ChoiceCache ChoiceCache::of_user() { return ChoiceCache(cache_folder() / "plans"); }

std::filesystem::path ChoiceCache::place(const std::string& key) const {
  return folder_ / fmt::format("{:016x}.json", fnv1a(key));
}

std::optional<ChoiceCache::Entry> ChoiceCache::find(const std::string& key, std::size_t nodes) const {
  const std::filesystem::path file = place(key);
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::nullopt;
  try {
    const Bytes bytes = read_file(file, largest_file);
    return parsed(std::string(bytes.begin(), bytes.end()), key, nodes);
  } catch (const std::exception& problem) {
    log(LogLevel::debug, "{}: measured layouts that are of no use ({}); measuring again", file.string(),
        problem.what());
    return std::nullopt;
  }
}

void ChoiceCache::keep(const std::string& key, const Entry& entry) const {
  try {
    std::filesystem::create_directories(folder_);
    const nlohmann::json file{
        {"version", cache_version}, {"key", key}, {"together", text_of(entry.together)}, {"seconds", entry.seconds}};
    write_file_atomically(place(key), file.dump() + "\n");
  } catch (const std::exception& problem) {
    log(LogLevel::debug, "measured layouts can't be kept: {}", problem.what());
  }
}

std::string graph_key(const Graph& graph) {
  std::string text;
  for (const Node& n : graph) {
    text += fmt::format("{} {}", n.op.index(), n.channels);
    for (const NodeId from : n.inputs) text += fmt::format(" <{}", from.index());
    if (const AnyConvolution* conv = as_any_convolution(n)) {
      for (std::int64_t d = 0; d < conv->weight.dim(); ++d) text += fmt::format(" {}", conv->weight.size(d));
      text +=
          fmt::format(" {}x{} {}x{} {}x{} {} {}", conv->stride[0], conv->stride[1], conv->padding[0], conv->padding[1],
                      conv->dilation[0], conv->dilation[1], conv->groups, static_cast<int>(conv->activation.curve));
    }
    text += '\n';
  }
  return fmt::format("{:016x}", fnv1a(text));
}

}  // namespace ganvas::engine
