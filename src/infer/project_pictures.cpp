#include "ganvas/infer/project_pictures.hpp"

#include <torch/torch.h>

#include <opencv2/core.hpp>
#include <set>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/contact_sheet.hpp"
#include "ganvas/imaging/fit.hpp"
#include "ganvas/metadata/facts.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "infer/batch_report.hpp"
#include "infer/finished_output.hpp"
#include "infer/run_one.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

using torch::Tensor;

}  // namespace

BatchSummary project_pictures(const GenerateOptions& where, const ProjectOptions& options, NoisePictures& pictures,
                              const DistanceTo& distance_to, const std::map<std::string, std::string>& facts,
                              std::ostream& out, const std::function<std::string(const Error&)>& explain) {
  const NoiseGeneratorInfo info = pictures.info();
  if (info.style == 0)
    fail(ErrorKind::usage, "projection searches styles, and {} has none; networks like stylegan2 do",
         pictures.network().architecture());
  const BatchOptions reported{.dry_run = where.dry_run, .json = where.json, .quiet = where.quiet};
  BatchReport report(reported, "project", static_cast<int>(options.pictures.size()), out);
  const double begin = seconds_now();
  std::set<std::string> stems;
  for (const std::string& input : options.pictures)
    if (!stems.insert(fs::path(input).stem().string()).second)
      fail(ErrorKind::usage, "{}: two pictures would get the name {}", input, fs::path(input).stem().string());
  for (const std::string& input : options.pictures) {
    if (interrupted() || report.output_broken()) break;
    const BatchJob job{.input = input, .output = fs::path(where.output) / (fs::path(input).stem().string() + ".png")};
    BatchOutcome outcome;
    outcome.output_size = {info.width, info.height};
    const auto beside = [&](const std::string& ending) {
      return fs::path(where.output) / (fs::path(input).stem().string() + ending);
    };
    const auto image_of = [&](const Tensor& picture) {
      return image_from_tensor(picture.cpu(), Depth::u8, info.value_high, info.value_low);
    };
    const bool went = run_one(outcome, explain, [&] {
      outcome.status = "skipped";
      if (where.skip_existing && is_finished(job.output, outcome.output_size) && fs::exists(beside(".safetensors")))
        return;
      for (const fs::path& path : {job.output, beside(".safetensors"), beside("-progress.png")})
        if (fs::exists(path) && !where.force && !where.skip_existing)
          fail_setting(ErrorKind::file, "force", "{} exists already", path.string());
      const Image target =
          fitted(with_channels(to_depth(read_image(input).image, Depth::u8), info.channels), info.width, info.height);
      outcome.status = "planned";
      if (where.dry_run) return;
      const Tensor wanted = tensor_from_image(target.pixels, info.value_high, info.value_low).to(pictures.device());
      const Projected found = project(pictures.network(), wanted, distance_to, options, [&](int step, double) {
        throw_if_interrupted();
        report.progress(job, (step + 1.0) / options.steps);
      });
      std::vector<Image> way;
      for (const Tensor& picture : found.progress) way.push_back(image_of(picture));
      way.push_back(image_of(found.picture));
      way.push_back(target);
      auto all = facts;
      all["projected"] = fs::path(input).filename().string();
      all["distance"] = fmt::format("{:.5f}", found.distance);
      Metadata metadata;
      if (!where.strip_metadata) add_facts(metadata, all);
      fs::create_directories(where.output);
      write_latents(beside(".safetensors"), pictures.network(), found.styles, found.planes);
      write_image(beside("-progress.png"), contact_sheet(way, static_cast<int>(way.size())), metadata, where.encode);
      write_image(job.output, image_of(found.picture), metadata, where.encode);
      outcome.status = "done";
    });
    if (!went) break;
    report.add(job, outcome);
  }
  return report.finish(seconds_now() - begin);
}

}  // namespace ganvas
