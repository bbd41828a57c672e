#include "report/sample_store.hpp"

#include <algorithm>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/hash.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/parse_number.hpp"
#include "ganvas/imaging/codec.hpp"
#include "report/embed.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// Inputs first, then what is made of them, targets last, whatever the order in which a task or a folder gives them.
/// Translators between unpaired pictures have two ways and no target: A, what is made of it, then B.
int rank(const std::string& cell) {
  static const std::vector<std::string> first{"lr",     "input",           "content", "A",      "bicubic",   "style",
                                              "fake_B", "reconstructed_A", "B",       "fake_A", "identity_B"};
  static const std::vector<std::string> last{"result", "target", "hr"};
  const auto at = [&](const std::vector<std::string>& names) {
    return static_cast<int>(std::find(names.begin(), names.end(), cell) - names.begin());
  };
  if (const int i = at(first); i < static_cast<int>(first.size())) return i;
  if (const int i = at(last); i < static_cast<int>(last.size())) return 200 + i;
  return 100;
}

bool before(const std::string& a, const std::string& b) {
  const int rank_a = rank(a), rank_b = rank(b);
  return rank_a != rank_b ? rank_a < rank_b : a < b;
}

/// A name that is part of a file's name. The last '-' of that stands between row and cell.
std::string file_part(const std::string& name, bool dash_allowed) {
  std::string part;
  for (const char c : name.substr(0, 80)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || byte >= 0x80;
    part += plain || (c == '.' && !part.empty()) || (c == '-' && dash_allowed) ? c : '_';
  }
  return part.empty() ? "_" : part;
}

std::string unused(std::string name, std::set<std::string>& used) {
  const std::string base = name;
  for (int i = 2; !used.insert(name).second; ++i) name = fmt::format("{}_{}", base, i);
  return name;
}

std::string thumbnail(const Image& image) {
  return data_uri(middle_of(image, SampleStore::side), SampleStore::max_bytes);
}

std::vector<std::string> names_of(const std::vector<SampleStore::Cell>& cells) {
  std::vector<std::string> names;
  for (const auto& cell : cells) names.push_back(cell.name);
  return names;
}

void keep_shown_over_time(std::vector<SampleStore::Row>& rows) {
  for (auto& row : rows) {
    const std::string kept = shown_over_time(names_of(row.cells));
    std::erase_if(row.cells, [&](const auto& cell) { return cell.name != kept; });
  }
}

/// The first rows and cells by name, and no more than the page shows.
template <typename Cells>
void sort_and_cut(std::map<std::string, Cells>& rows) {
  while (rows.size() > SampleStore::max_rows) rows.erase(std::prev(rows.end()));
  for (auto& [name, cells] : rows) {
    std::sort(cells.begin(), cells.end(), [](const auto& a, const auto& b) { return before(a.first, b.first); });
    while (cells.size() > SampleStore::max_cells) {
      // Results and targets, which come last, stay.
      const auto unranked =
          std::find_if(cells.rbegin(), cells.rend(), [](const auto& cell) { return rank(cell.first) == 100; });
      cells.erase(unranked == cells.rend() ? cells.end() - 1 : unranked.base() - 1);
    }
  }
}

}  // namespace

std::string shown_over_time(const std::vector<std::string>& cells) {
  if (std::find(cells.begin(), cells.end(), "result") != cells.end()) return "result";
  const auto fake = std::find_if(cells.begin(), cells.end(), [](const auto& cell) { return cell.starts_with("fake"); });
  if (fake != cells.end()) return *fake;
  return cells.empty() ? std::string() : cells[std::min<std::size_t>(1, cells.size() - 1)];
}

fs::path SampleStore::folder_of(std::int64_t step) const { return folder_ / fmt::format("step_{:08}", step); }

std::vector<std::int64_t> SampleStore::steps_in_folder() const {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("step_") || !entry.is_directory(error)) continue;
    const auto step = parse_number<std::int64_t>(std::string_view(name).substr(5));
    if (step && entry.path() == folder_of(*step)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

void SampleStore::drop_after(std::int64_t step) {
  std::error_code ignored;
  for (const std::int64_t later : steps_in_folder())
    if (later > step) fs::remove_all(folder_of(later), ignored);
}

std::vector<SampleStore::Row> SampleStore::load_step(std::int64_t step, bool newest) const {
  std::map<std::string, std::vector<std::pair<std::string, fs::path>>> found;
  for (const auto& file : list_files(folder_of(step), /*recursive=*/false)) {
    const std::string stem = file.stem().string();
    const auto dash = stem.rfind('-');
    if (dash == std::string::npos || file.extension() != ".png") continue;
    found[stem.substr(0, dash)].emplace_back(stem.substr(dash + 1), file);
  }
  sort_and_cut(found);
  std::vector<Row> rows;
  for (const auto& [name, cells] : found) {
    std::vector<std::string> names;
    for (const auto& [cell, file] : cells) names.push_back(cell);
    Row row{name, {}};
    for (const auto& [cell, file] : cells) {
      if (!newest && cell != shown_over_time(names)) continue;
      try {
        row.cells.push_back({cell, thumbnail(read_image(file).image)});
      } catch (const Error& error) {
        log(LogLevel::warning, "{}; left out of the report", error.what());
      }
    }
    if (!row.cells.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

void SampleStore::load() {
  thinning_ = {};
  shown_.clear();
  for (const std::int64_t step : steps_in_folder()) thinning_.add(step);
  for (const std::int64_t step : thinning_.kept()) shown_[step] = load_step(step, step == thinning_.newest());
}

/// False when the file's content is that of the last step: then it is the same file under one more name, which costs
/// no space.
bool SampleStore::write(const fs::path& path, const std::string& key, const Bytes& png) {
  Last& last = last_[key];
  const std::uint64_t hash = fnv1a(png);
  const bool changed = last.path.empty() || last.hash != hash;
  if (!changed && last.path != path) {
    std::error_code error;
    fs::remove(path, error);
    fs::create_hard_link(last.path, path, error);
    if (!error) return false;
  }
  write_file_atomically(path, png);
  last = {hash, path};
  return changed;
}

void SampleStore::add(std::int64_t step, const std::vector<SampleRow>& rows, const Changed& changed) {
  const fs::path folder = folder_of(step);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorKind::file, "{}: can't create: {}", folder.string(), error.message());
  std::map<std::string, std::vector<std::pair<std::string, Image>>> shown;
  std::set<std::string> row_names;
  for (const SampleRow& row : rows) {
    const std::string name = unused(file_part(row.name, true), row_names);
    std::set<std::string> cell_names;
    for (const auto& [raw_cell, picture] : row.cells) {
      const std::string cell = unused(file_part(raw_cell, false), cell_names);
      // Bands are too many for a page: the first three.
      const Image image = to_depth(picture.channels() > 4 ? colour_part(picture) : picture, Depth::u8);
      const std::string key = name + "-" + cell;
      const Bytes png = encode_image(image, Format::png, {});
      if (write(folder / (key + ".png"), key, png)) changed(name, cell, image, png);
      shown[name].emplace_back(cell, image);
    }
  }
  sort_and_cut(shown);
  std::vector<Row> compressed;
  for (const auto& [name, cells] : shown) {
    compressed.push_back({name, {}});
    for (const auto& [cell, image] : cells) compressed.back().cells.push_back({cell, thumbnail(image)});
  }
  show(step, std::move(compressed));
}

void SampleStore::show(std::int64_t step, std::vector<Row> rows) {
  if (thinning_.empty() || step > thinning_.newest()) {
    if (!thinning_.empty()) keep_shown_over_time(shown_[thinning_.newest()]);
    thinning_.add(step);
  }
  const auto kept = thinning_.kept();
  std::erase_if(shown_,
                [&](const auto& item) { return std::find(kept.begin(), kept.end(), item.first) == kept.end(); });
  if (std::find(kept.begin(), kept.end(), step) == kept.end()) return;
  if (step != thinning_.newest()) keep_shown_over_time(rows);
  shown_[step] = std::move(rows);
}

}  // namespace ganvas
