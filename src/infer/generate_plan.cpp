#include "infer/generate_plan.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <opencv2/core.hpp>
#include <set>

#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/contact_sheet.hpp"
#include "ganvas/imaging/format_name.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

using torch::Tensor;

/// "1-64,99", as seeds are given.
std::string list_of(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[i]);
    if (last > i) text += fmt::format("-{}", numbers[last]);
    i = last + 1;
  }
  return text;
}

/// Enough digits to tell the numbers apart, two at least.
int digits_for(const std::vector<double>& numbers) {
  for (int digits = 2; digits < 9; ++digits) {
    std::set<std::string> texts;
    for (const double number : numbers) texts.insert(fmt::format("{:.{}f}", number, digits));
    if (texts.size() == std::set<double>(numbers.begin(), numbers.end()).size()) return digits;
  }
  return 9;
}

class Plan {
 public:
  Plan(const GenerateOptions& options, NoisePictures& pictures) : options_(options), pictures_(pictures) {}

  std::vector<GenerateJob> jobs() {
    if (!options_.class_name.empty() && pictures_.latents_are_styles())
      fail(ErrorKind::usage, "class '{}': the styles of a file have their class in them", options_.class_name);
    if (options_.numpy_seeds)
      for (const std::int64_t seed : asked_seeds())
        if (seed > std::numeric_limits<std::uint32_t>::max())
          fail(ErrorKind::usage, "seed {}: numpy's go up to {}", seed, std::numeric_limits<std::uint32_t>::max());
    for (const double truncation : options_.truncations)
      if (truncation != 1.0) pictures_.styles_of({.truncation = truncation});  // what it can't do is said once
    if (options_.layer_noise != LayerNoise::constant && !pictures_.info().layer_noise)
      fail(ErrorKind::usage, "noise planes belong to networks like stylegan2; {} has none",
           pictures_.network().architecture());
    if (!fs::is_directory(options_.output)) check_can_be_written(options_.output);
    if (!options_.mix.rows.empty()) return {mixed()};
    if (options_.seeds.empty() && pictures_.latents() == 0) fail(ErrorKind::usage, "no seeds");
    if (options_.directions > 0) return directions();
    if (options_.grid_columns > 0) return {sheet()};
    return options_.frames > 0 ? walk() : singles();
  }

 private:
  int class_of(std::int64_t seed) const {
    if (!options_.class_name.empty()) return pictures_.class_of(options_.class_name);
    const int classes = pictures_.info().classes;
    return classes > 0 ? static_cast<int>(seed % classes) : 0;
  }
  Facts facts_of(const NoisePicture& picture) const {
    Facts facts{{pictures_.latents() > 0 ? "latent" : "seed", fmt::format("{}", picture.seed)},
                {"truncation", fmt::format("{:g}", picture.truncation)}};
    if (pictures_.info().classes > 0 && !pictures_.latents_are_styles())
      facts["class"] = pictures_.class_names().at(static_cast<std::size_t>(picture.class_index));
    return facts;
  }
  /// What is the same for all pictures of a sheet or a walk.
  Facts facts_of_all() const {
    std::vector<std::string> truncations;
    for (const double truncation : options_.truncations) truncations.push_back(fmt::format("{:g}", truncation));
    Facts facts{{"truncation", fmt::format("{}", fmt::join(truncations, ","))}};
    if (!options_.class_name.empty()) facts["class"] = options_.class_name;
    else if (pictures_.info().classes > 0 && !pictures_.latents_are_styles()) facts["class"] = "by turns";
    return facts;
  }
  std::vector<std::int64_t> asked_seeds() const {
    std::vector<std::int64_t> seeds = options_.seeds;
    seeds.insert(seeds.end(), options_.mix.rows.begin(), options_.mix.rows.end());
    seeds.insert(seeds.end(), options_.mix.columns.begin(), options_.mix.columns.end());
    return seeds;
  }
  std::vector<std::int64_t> seeds_or_latents() const {
    std::vector<std::int64_t> seeds = options_.seeds;
    for (std::int64_t i = 0; i < pictures_.latents(); ++i) seeds.push_back(i);
    return seeds;
  }
  NoisePicture first_of(std::int64_t seed) const { return {seed, class_of(seed), options_.truncations.front()}; }
  /// Every seed (or latent of the file) with every truncation, seeds first.
  std::vector<NoisePicture> wanted() const {
    const std::vector<std::int64_t> seeds = seeds_or_latents();
    std::vector<NoisePicture> all;
    for (const double truncation : options_.truncations)
      for (const std::int64_t seed : seeds) all.push_back({seed, class_of(seed), truncation});
    return all;
  }
  /// Whether -o names a picture rather than a folder, whose name may have dots.
  bool names_picture() const {
    return !fs::is_directory(options_.output) &&
           format_from_name(fs::path(options_.output).extension().string()).has_value();
  }
  /// Many pictures go to a folder or into one stream.
  void need_room(std::size_t pictures, const char* setting) const {
    if (options_.format == FrameFormat::png && options_.output != "-" && names_picture())
      fail_setting(ErrorKind::usage, setting, "{}: one file for {} pictures", options_.output, pictures);
  }
  cv::Size size() const { return {pictures_.info().width, pictures_.info().height}; }
  std::function<Tensor()> styles_of(const NoisePicture& picture) {
    return [this, picture] { return pictures_.styles_of(picture); };
  }

  std::vector<GenerateJob> singles() {
    std::vector<GenerateJob> jobs;
    const char* kind = pictures_.latents() > 0 ? "latent" : "seed";
    const std::vector<NoisePicture> all = wanted();
    const bool file = all.size() == 1 && names_picture();
    const int digits = digits_for(options_.truncations);
    if (!file) need_room(all.size(), "grid");
    for (const NoisePicture& picture : all) {
      const std::string psi =
          options_.truncations.size() > 1 ? fmt::format("_psi{:.{}f}", picture.truncation, digits) : std::string();
      jobs.push_back({fmt::format("{} {}{}", kind, picture.seed, psi),
                      file ? fs::path(options_.output)
                           : fs::path(options_.output) / fmt::format("{}{:04}{}.png", kind, picture.seed, psi),
                      facts_of(picture),
                      size(),
                      [this, picture] { return pictures_.make(picture); },
                      {styles_of(picture)}});
    }
    return jobs;
  }

  /// One picture of many, row by row; a cell without styles stays white.
  GenerateJob sheet_of(const std::string& name, std::vector<StyledPicture> cells, int columns, Facts facts) {
    const cv::Size one = size();
    const int rows = static_cast<int>(cells.size()) / columns;
    const fs::path output(options_.output);
    const bool file = options_.output == "-" || names_picture();
    GenerateJob job{.label = name,
                    .output = file ? output : output / (name + ".png"),
                    .facts = std::move(facts),
                    .size = {columns * one.width, rows * one.height}};
    for (const StyledPicture& cell : cells)
      if (cell.styles) job.styles.push_back(cell.styles);
    job.make = [this, cells = std::move(cells), columns] { return contact_sheet(pictures_.make_all(cells), columns); };
    return job;
  }

  GenerateJob sheet() {
    const int columns = options_.grid_columns, rows = options_.grid_rows;
    const std::vector<NoisePicture> all = wanted();
    const std::size_t room = static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows);
    const char* kind = pictures_.latents() > 0 ? "latents" : "seeds";
    if (all.size() != room)
      fail(ErrorKind::usage, "{} {}{} are too {} for a grid of {} by {}", seeds_or_latents().size(), kind,
           options_.truncations.size() > 1 ? fmt::format(" with {} truncations", options_.truncations.size()) : "",
           all.size() < room ? "few" : "many", columns, rows);
    std::vector<StyledPicture> cells;
    for (int i = 0; i < columns * rows; ++i) {
      const NoisePicture& picture = all[static_cast<std::size_t>(i)];
      cells.push_back({styles_of(picture), picture.seed});
    }
    Facts facts = facts_of_all();
    facts["grid"] = fmt::format("{}x{}", columns, rows);
    facts[kind] = list_of(seeds_or_latents());
    return sheet_of("grid", std::move(cells), columns, std::move(facts));
  }

  /// The columns' pictures on top, the rows' on the left, and where they meet the row's with some of the column's
  /// styles.
  GenerateJob mixed() {
    const StyleMix& mix = options_.mix;
    for (const std::int64_t seed : mix.rows)
      for (const std::int64_t other : mix.columns)
        if (pictures_.latents() > 0 && std::max(seed, other) >= pictures_.latents())
          fail(ErrorKind::usage, "mixing {} and {}: the file holds {} latents, counted from 0", seed, other,
               pictures_.latents());
    // What the network can't do is said before the work.
    pictures_.styles_mixed(first_of(mix.rows.front()), first_of(mix.columns.front()), mix.layers);
    std::vector<StyledPicture> cells{{}};
    for (const std::int64_t column : mix.columns) cells.push_back({styles_of(first_of(column)), column});
    for (const std::int64_t row : mix.rows) {
      cells.push_back({styles_of(first_of(row)), row});
      for (const std::int64_t column : mix.columns)
        cells.push_back({[this, row, column] {
                           return pictures_.styles_mixed(first_of(row), first_of(column), options_.mix.layers);
                         },
                         row});
    }
    Facts facts = facts_of_all();
    facts["rows"] = list_of(mix.rows);
    facts["columns"] = list_of(mix.columns);
    facts["layers"] = list_of({mix.layers.begin(), mix.layers.end()});
    return sheet_of("mix", std::move(cells), 1 + static_cast<int>(mix.columns.size()), std::move(facts));
  }

  /// A sheet a seed: a direction a row, from far on one side to far on the other.
  std::vector<GenerateJob> directions() {
    constexpr int columns = 7;
    const Tensor found = pictures_.directions(options_.directions, options_.direction_layers);
    std::vector<GenerateJob> jobs;
    for (const NoisePicture& picture : wanted()) {
      std::vector<StyledPicture> cells;
      for (int row = 0; row < options_.directions; ++row)
        for (int column = 0; column < columns; ++column) {
          const double far = options_.reach * (2.0 * column / (columns - 1) - 1);
          const Tensor shift = found[row] * far;
          cells.push_back({[this, picture, shift] {
                             return pictures_.styles_moved(pictures_.styles_of(picture), shift,
                                                           options_.direction_layers);
                           },
                           picture.seed});
        }
      Facts facts = facts_of(picture);
      facts["directions"] = fmt::format("{}", options_.directions);
      facts["reach"] = fmt::format("{:g}", options_.reach);
      jobs.push_back(sheet_of(fmt::format("directions{:04}", picture.seed), std::move(cells), columns, facts));
    }
    if (jobs.size() > 1 && names_picture())
      fail(ErrorKind::usage, "{}: one file for the directions of {} seeds; give a folder", options_.output,
           jobs.size());
    return jobs;
  }

  /// From seed to seed in numbered frames; with `loop` the last leads back to the first.
  std::vector<GenerateJob> walk() {
    const std::vector<NoisePicture> stops = wanted();
    if (stops.size() < 2) fail(ErrorKind::usage, "a walk needs two seeds");
    need_room(static_cast<std::size_t>(options_.frames), "walk");
    const auto ways = static_cast<double>(options_.loop ? stops.size() : stops.size() - 1);
    const int last = options_.loop ? options_.frames : std::max(options_.frames - 1, 1);
    pictures_.styles_between(stops, 0, options_.path, options_.loop);  // what it can't do is said before the work
    std::vector<GenerateJob> jobs;
    for (int i = 0; i < options_.frames; ++i) {
      const double place = ways * i / last;
      const auto from = std::min(static_cast<std::size_t>(place), static_cast<std::size_t>(ways) - 1);
      const auto styles = [this, stops, place] {
        return pictures_.styles_between(stops, place, options_.path, options_.loop);
      };
      const std::int64_t seed = stops.front().seed;  // random planes stay through the walk, or it would flicker
      Facts facts = facts_of_all();
      facts["seed"] = fmt::format("{}..{}", stops[from].seed, stops[(from + 1) % stops.size()].seed);
      facts["share"] = fmt::format("{:.4f}", place - static_cast<double>(from));
      jobs.push_back({fmt::format("frame {}", i + 1),
                      fs::path(options_.output) / fmt::format("frame{:05}.png", i + 1),
                      std::move(facts),
                      size(),
                      [this, styles, seed] { return pictures_.picture_of(styles(), seed); },
                      {styles}});
    }
    return jobs;
  }

  const GenerateOptions& options_;
  NoisePictures& pictures_;
};

}  // namespace

std::vector<GenerateJob> plan_generate(const GenerateOptions& options, NoisePictures& pictures) {
  // The jobs keep the plan alive.
  const auto plan = std::make_shared<Plan>(options, pictures);
  std::vector<GenerateJob> jobs = plan->jobs();
  for (auto& job : jobs) job.make = [plan, make = std::move(job.make)] { return make(); };
  return jobs;
}

}  // namespace ganvas
