#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands/eval_sets.hpp"
#include "commands/eval_styles.hpp"
#include "commands/lpips_meter.hpp"
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_partners.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/infer/upscaler.hpp"
#include "ganvas/metric/lattice.hpp"
#include "ganvas/metric/quality.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

/// Where results come from: a folder, a model or bicubic enlargement.
class Source {
 public:
  explicit Source(const EvalRequest& request) : options_(request), scale_(request.scale) {
    if (!request.model.empty()) {
      upscaler_.emplace(load_generator(find_model(request.model), {request.trust}), request.upscale);
      const int own = upscaler_->info().scale;
      if (scale_ != 0 && scale_ != own) fail(ErrorKind::usage, "--scale {}, but the model is x{}", scale_, own);
      scale_ = own;
    }
    if (scale_ == 0) scale_ = 4;
  }
  int scale() const { return scale_; }

  /// `partner`: the result, or the low-resolution picture, where such are given.
  Image result_for(const fs::path& partner, const Image& hr) {
    if (!options_.sr.empty()) return read_image(partner).image;
    const Image lr = partner.empty() ? shrink_bicubic(hr, scale_) : read_image(partner).image;
    const cv::Size size(lr.width() * scale_, lr.height() * scale_);
    return options_.bicubic ? resize(lr, size.width, size.height) : upscaler_->upscale(lr, size);
  }

 private:
  const EvalRequest& options_;
  int scale_;
  std::optional<Upscaler> upscaler_;
};

nlohmann::ordered_json number(double value) {
  if (std::isfinite(value)) return std::round(value * 1e4) / 1e4;
  return std::isinf(value) ? nlohmann::ordered_json("inf") : nlohmann::ordered_json(nullptr);
}

/// The pictures of ground truth, with the results or the low-resolution pictures that belong to them.
std::vector<PictureFile> find_files(const EvalRequest& request, int scale) {
  const std::string& place = request.sr.empty() ? request.lr : request.sr;
  if (place.empty()) return require_pictures({request.hr});
  auto files = require_pictures({request.hr}, {.others = {place}});
  return find_partners(std::move(files), place, {.originals = {request.hr}, .scale = scale});
}

/// Figures of one picture, or the mean of several.
struct Figures {
  Quality quality;
  double lpips = 0;
  double lattice = 0;  ///< of the result, relative to the ground truth

  void add(const Figures& other, double share) {
    quality.psnr_y += other.quality.psnr_y * share;
    quality.psnr_rgb += other.quality.psnr_rgb * share;
    quality.ssim_y += other.quality.ssim_y * share;
    lpips += other.lpips * share;
    lattice += other.lattice * share;
  }
};

/// The table or the JSON lines.
class Printer {
 public:
  Printer(const EvalRequest& request, std::string lpips)
      : json_(request.json), lattice_(request.lattice > 0), lpips_(std::move(lpips)) {}

  void head() const {
    if (json_) return;
    fmt::print("{:<40} {:>9} {:>9} {:>8}", "file", "PSNR-Y", "PSNR-RGB", "SSIM-Y");
    if (!lpips_.empty()) fmt::print(" {:>8}", lpips_ == "lpips" ? "LPIPS" : lpips_);
    if (lattice_) fmt::print(" {:>8}", "lattice");
    fmt::print("\n");
  }
  void row(const std::string& name, const Figures& figures, bool mean) const {
    const Quality& quality = figures.quality;
    if (!json_) {
      fmt::print("{:<40} {:>9.3f} {:>9.3f} {:>8.4f}", name, quality.psnr_y, quality.psnr_rgb, quality.ssim_y);
      if (!lpips_.empty()) fmt::print(" {:>{}.4f}", figures.lpips, std::max<std::size_t>(8, lpips_.size()));
      if (lattice_) fmt::print(" {:>8.3f}", figures.lattice);
      fmt::print("\n");
      return;
    }
    nlohmann::ordered_json values{
        {"psnr_y", number(quality.psnr_y)}, {"psnr_rgb", number(quality.psnr_rgb)}, {"ssim_y", number(quality.ssim_y)}};
    if (!lpips_.empty()) values[lpips_] = number(figures.lpips);
    if (lattice_) values["lattice"] = number(figures.lattice);
    nlohmann::ordered_json line;
    if (mean) {
      line["mean"] = values;
    } else {
      line["file"] = name;
      line.update(values);
    }
    fmt::print("{}\n", json_line(line));
  }

 private:
  bool json_, lattice_;
  std::string lpips_;  ///< its name; empty: not measured
};

}  // namespace

int run(const EvalRequest& request) {
  if (!request.styles.empty()) return run_eval_styles(request);
  if (request.fid) return run_eval_sets(request);
  std::optional<LpipsMeter> meter;
  if (request.lpips.on) meter.emplace(request.lpips, request.upscale.run.device);
  Source source(request);
  const int border = request.border >= 0 ? request.border : source.scale();
  const auto files = find_files(request, source.scale());
  const Printer printer(request, meter ? meter->name() : "");
  printer.head();
  Figures sum;
  int count = 0;
  for (const auto& file : files) {
    throw_if_interrupted();
    try {
      if (!file.problem.empty()) fail(ErrorKind::data, "{}", file.problem);
      const Image hr = read_image(file.path).image;
      const Image result = source.result_for(file.partner, hr);
      Figures figures{compare_pictures(result, hr, border, std::max(4, source.scale()))};
      if (meter) figures.lpips = meter->distance(result, hr);
      if (request.lattice > 0)
        figures.lattice = lattice_index(result, request.lattice) / lattice_index(hr, request.lattice);
      printer.row(file.below.string(), figures, false);
      sum.add(figures, 1.0);
      ++count;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::interrupted) throw;
      const std::string what = error.what();
      log(LogLevel::error, "{}", what.starts_with(file.path.string()) ? what : file.path.string() + ": " + what);
    }
    std::fflush(stdout);
  }
  Figures mean;
  mean.add(sum, 1.0 / count);
  if (count > 0) printer.row("mean", mean, true);
  return count == static_cast<int>(files.size()) ? 0 : 1;
}

}  // namespace ganvas::cli
