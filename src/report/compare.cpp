#include "ganvas/report/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_partners.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/metric/quality.hpp"
#include "report/differences.hpp"
#include "report/embed.hpp"
#include "report/folder_names.hpp"
#include "report/page_frame.hpp"

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace ganvas {

namespace {

constexpr int whole_side = 640, area_side = 96, areas_shown = 3, size_tolerance = 16;
constexpr std::size_t whole_bytes = 64 << 10, area_bytes = 16 << 10;

/// The reference and its partners, cut to their common size; 8 bits.
struct Matched {
  std::string name;
  std::vector<Image> results;  ///< RGB
  Image reference;             ///< RGB
  Image measured;              ///< the reference as it is: a gray one is compared by its gray levels
  std::vector<Image> all() const {
    std::vector<Image> pictures = results;
    pictures.push_back(reference);
    return pictures;
  }
};

Image read_colour(const fs::path& path) { return colour_part(to_depth(read_image(path).image, Depth::u8)); }

/// One reference, with its partner in each folder of results.
Matched read_matched(const std::vector<PictureFile>& partners) {
  for (const auto& [path, below, partner, problem, foreign] : partners)
    if (!problem.empty()) fail(ErrorKind::data, "{}: {}", path.string(), problem);
  const fs::path& path = partners.front().path;
  Matched matched{without_extension(partners.front().below).string(), {}, {}, read_colour(path)};
  const cv::Size size = matched.measured.pixels.size();
  cv::Size common = size;
  for (const auto& file : partners) {
    const fs::path& partner = file.partner;
    const Image picture = to_rgb(read_colour(partner));
    // A method may have worked on a picture cut to a multiple of its scale.
    if (std::abs(picture.width() - size.width) >= size_tolerance ||
        std::abs(picture.height() - size.height) >= size_tolerance)
      fail(ErrorKind::data, "{}: is {} x {}, but {} is {} x {}", partner.string(), picture.width(), picture.height(),
           path.string(), size.width, size.height);
    common.width = std::min(common.width, picture.width());
    common.height = std::min(common.height, picture.height());
    matched.results.push_back(picture);
  }
  const cv::Rect part(cv::Point(), common);
  matched.measured = Image(matched.measured.pixels(part).clone());
  matched.reference = to_rgb(matched.measured);
  for (Image& picture : matched.results) picture = Image(picture.pixels(part).clone());
  return matched;
}

/// By result, a value a column.
std::vector<std::vector<double>> figures_of(const CompareOptions& options, const Matched& matched) {
  std::vector<std::vector<double>> figures;
  for (const Image& result : matched.results) {
    const Quality quality = compare_pictures(result, matched.measured, options.border);
    figures.push_back({quality.psnr_y, quality.ssim_y});
    for (const auto& column : options.columns) figures.back().push_back(column.measure(result, matched.reference));
  }
  return figures;
}

Json figures_json(const std::vector<double>& figures) {
  Json json = Json::array();
  for (const double figure : figures) json.push_back(std::isinf(figure) ? Json("inf") : short_number(figure));
  return json;
}

Image shrunk(const Image& image, int side) {
  const int longest = std::max(image.width(), image.height());
  if (longest <= side) return image;
  const auto scaled = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(length) * side / longest)));
  };
  return resize(image, scaled(image.width()), scaled(image.height()), Interpolation::area);
}

/// The whole and the magnified areas, each with a picture a name.
Json views_json(const Matched& matched, PictureTable& pictures) {
  const std::vector<Image> all = matched.all();
  const auto view = [&](const std::string& label, const cv::Rect& area, int side, std::size_t bytes) {
    Json images = Json::array();
    for (const Image& picture : all)
      images.push_back(pictures.number_of(data_uri(shrunk(Image(picture.pixels(area).clone()), side), bytes)));
    return Json{{"label", label}, {"pictures", std::move(images)}};
  };
  Json views = Json::array();
  views.push_back(view("whole", cv::Rect(cv::Point(), all.front().pixels.size()), whole_side, whole_bytes));
  // Where results differ from each other; a single one, from the truth.
  const auto areas = largest_differences(matched.results.size() > 1 ? matched.results : all, area_side, areas_shown);
  for (const cv::Rect& area : areas)
    views.push_back(
        view(fmt::format("{} x {} at {}, {}", area.width, area.height, area.x, area.y), area, area_side, area_bytes));
  return views;
}

/// Goes through the pictures and collects the page's data.
class Comparison {
 public:
  explicit Comparison(const CompareOptions& options) : options_(options), names_(names_of_folders(options.results)) {
    summary_.columns = {"psnr_y", "ssim_y"};
    for (const auto& column : options.columns) summary_.columns.push_back(column.name);
    for (const auto& name : names_)
      summary_.means.emplace_back(name, std::vector<double>(summary_.columns.size(), 0.0));
  }

  void add(const std::vector<PictureFile>& partners) {
    try {
      const Matched matched = read_matched(partners);
      const auto figures = figures_of(options_, matched);
      Json row{{"name", matched.name}, {"figures", Json::array()}};
      for (std::size_t i = 0; i < figures.size(); ++i) {
        row["figures"].push_back(figures_json(figures[i]));
        for (std::size_t k = 0; k < figures[i].size(); ++k) summary_.means[i].second[k] += figures[i][k];
      }
      if (summary_.pictures < options_.limit) row["views"] = views_json(matched, pictures_);
      rows_.push_back(std::move(row));
      ++summary_.pictures;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::interrupted) throw;
      std::string message = error.what();
      const std::string reference = partners.front().path.string();
      if (message.find(reference) == std::string::npos) message = reference + ": " + message;
      log(LogLevel::error, "{}", message);
      failures_.push_back(message);
      ++summary_.failed;
    }
  }

  /// The means, from the sums.
  const CompareSummary& finish() {
    for (auto& [name, values] : summary_.means)
      for (double& value : values) value /= static_cast<double>(summary_.pictures);
    return summary_;
  }

  std::string page() const {
    Json columns{{{"name", "psnr_y"}, {"smaller", false}}, {{"name", "ssim_y"}, {"smaller", false}}};
    for (const auto& column : options_.columns)
      columns.push_back({{"name", column.name}, {"smaller", column.smaller_is_better}});
    Json means = Json::array();
    for (const auto& [name, values] : summary_.means) means.push_back(figures_json(values));
    const std::string title = fmt::format("Comparison: {}", fmt::join(names_, ", "));
    Json data{{"title", title}, {"names", names_}, {"reference", "ground truth"}, {"columns", std::move(columns)},
              {"means", means}, {"rows", rows_},   {"failures", failures_}};
    data["pictures"] = pictures_.json();
    return html_page(title, data, {"common.js", "slider.js", "compare.js"});
  }

 private:
  const CompareOptions& options_;
  std::vector<std::string> names_;
  CompareSummary summary_;
  PictureTable pictures_;
  Json rows_ = Json::array(), failures_ = Json::array();
};

}  // namespace

CompareSummary compare_folders(const CompareOptions& options, const fs::path& out) {
  const auto references = require_pictures({options.reference}, {.others = options.results});
  if (options.results.empty()) fail(ErrorKind::data, "{}: nothing to compare it with", options.reference.string());
  std::vector<std::vector<PictureFile>> partners(references.size());
  for (const auto& folder : options.results) {
    const auto found = find_partners(references, folder, {.originals = {options.reference}});
    for (std::size_t i = 0; i < found.size(); ++i) partners[i].push_back(found[i]);
  }
  Comparison comparison(options);
  for (std::size_t i = 0; i < references.size(); ++i) {
    throw_if_interrupted();
    comparison.add(partners[i]);
  }
  const CompareSummary& summary = comparison.finish();
  if (summary.pictures == 0)
    fail(ErrorKind::data, "{}: none of its {} pictures could be compared", options.reference.string(),
         references.size());
  write_page(out, comparison.page());
  return summary;
}

}  // namespace ganvas
